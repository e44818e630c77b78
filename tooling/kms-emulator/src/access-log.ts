import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import type { FaultKind } from './faults.ts'
import type { Protocol } from './kms-request.ts'

/**
 * One request as the emulator saw it. It contains only values that the emulator knows itself, so no plaintext, blob,
 * context, signature or secret of a client. The entry of a running request is still being filled in.
 */
export interface RecordedRequest {
  /** When the request arrived by the server's clock, ISO 8601. */
  readonly time: string
  /** When the request arrived, in milliseconds of `performance.now()`. */
  readonly startedAt: number
  /** When its response was sent or its connection broke, in the same unit. */
  readonly endedAt?: number
  readonly protocol?: Protocol
  /** The operation; absent if no operation has that name. */
  readonly action?: string
  /** Absent if it was never accepted. */
  readonly accessKeyId?: string
  /** The key of the operation; for `ReEncrypt` the destination. */
  readonly keyId?: string
  /** 0 while there is no response. It stays 0 if the connection broke first. */
  readonly status: number
  /** The code of an error response. */
  readonly errorCode?: string
  /** The request id of the response. */
  readonly requestId: string
  /** The injected fault. */
  readonly fault?: FaultKind
}

/** A `RecordedRequest` that is being filled in. */
export type OpenRecord = { -readonly [Name in keyof RecordedRequest]: RecordedRequest[Name] }

/** A file with one line of JSON per request. */
export class AccessLog {
  readonly #file: number

  constructor(path: string) {
    mkdirSync(dirname(path), { recursive: true })
    this.#file = openSync(path, 'a')
  }

  /** Written synchronously, so that a client that has the response finds the line. */
  write(record: RecordedRequest): void {
    const { startedAt, endedAt, ...rest } = record
    const durationMs = endedAt === undefined ? undefined : Math.round(endedAt - startedAt)
    writeSync(this.#file, `${JSON.stringify({ ...rest, durationMs })}\n`)
  }

  close(): void {
    closeSync(this.#file)
  }
}
