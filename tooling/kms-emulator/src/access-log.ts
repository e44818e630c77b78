import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import type { FaultKind } from './faults.ts'
import type { Protocol } from './kms-request.ts'

/**
 * One request, as the emulator saw it. Of the client's data, it contains only values that the emulator knows itself. It
 * never contains a plaintext, blob, context, signature or secret. The record of a request in progress is incomplete.
 */
export interface RecordedRequest {
  /** The start of the request by the server's clock, ISO 8601. */
  readonly time: string
  /** The start of the request, in milliseconds of `performance.now()`. */
  readonly startedAt: number
  /** The time at which its response was sent or its connection broke, in milliseconds of `performance.now()`. */
  readonly endedAt?: number
  readonly protocol?: Protocol
  /** The operation. Absent if no operation has that name. */
  readonly action?: string
  /** Absent if it was never accepted. */
  readonly accessKeyId?: string
  /** The key of the operation. For `ReEncrypt`, the destination key. */
  readonly keyId?: string
  /** The status of the response. 0 until there is one, and permanently if the connection broke first. */
  readonly status: number
  /** The code of an error response. */
  readonly errorCode?: string
  /** The request id of the response. */
  readonly requestId: string
  /** The fault of the request. */
  readonly fault?: FaultKind
}

/** A `RecordedRequest` in progress. */
export type OpenRecord = { -readonly [Name in keyof RecordedRequest]: RecordedRequest[Name] }

/** A file with one line of JSON for each request. */
export class AccessLog {
  readonly #file: number

  constructor(path: string) {
    mkdirSync(dirname(path), { recursive: true })
    this.#file = openSync(path, 'a')
  }

  /** Writes synchronously: the line is there before the client receives the response. */
  write(record: RecordedRequest): void {
    const { startedAt, endedAt, ...rest } = record
    const durationMs = endedAt === undefined ? undefined : Math.round(endedAt - startedAt)
    writeSync(this.#file, `${JSON.stringify({ ...rest, durationMs })}\n`)
  }

  close(): void {
    closeSync(this.#file)
  }
}
