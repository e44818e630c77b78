import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import type { FaultKind } from './faults.ts'
import type { Protocol } from './kms-request.ts'

/**
 * One request as the emulator saw it, without anything that came from the client but what the emulator knows
 * itself: no plaintext, blob, context, signature or secret can be in it. The entry of a request under way is
 * still filled in.
 */
export interface RecordedRequest {
  /** When the request came by the server's clock, ISO 8601. */
  readonly time: string
  /** When the request came, in milliseconds of `performance.now()`. */
  readonly startedAt: number
  /** When its answer was sent or its connection broke, likewise. */
  readonly endedAt?: number
  readonly protocol?: Protocol
  /** The operation; absent when there is none of that name. */
  readonly action?: string
  /** Absent when it was never accepted. */
  readonly accessKeyId?: string
  /** The key that was worked on; for `ReEncrypt` the destination. */
  readonly keyId?: string
  /** 0 while there is no answer, and for good when the connection broke first. */
  readonly status: number
  /** Of an error answer. */
  readonly errorCode?: string
  /** The answer's request id. */
  readonly requestId: string
  /** The fault it got. */
  readonly fault?: FaultKind
}

/** A `RecordedRequest` that is being filled in. */
export type OpenRecord = { -readonly [Name in keyof RecordedRequest]: RecordedRequest[Name] }

/** A file with one line of JSON for each request. */
export class AccessLog {
  readonly #file: number

  constructor(path: string) {
    mkdirSync(dirname(path), { recursive: true })
    this.#file = openSync(path, 'a')
  }

  /** Written at once: whoever has the answer finds the line. */
  write(record: RecordedRequest): void {
    const { startedAt, endedAt, ...rest } = record
    const durationMs = endedAt === undefined ? undefined : Math.round(endedAt - startedAt)
    writeSync(this.#file, `${JSON.stringify({ ...rest, durationMs })}\n`)
  }

  close(): void {
    closeSync(this.#file)
  }
}
