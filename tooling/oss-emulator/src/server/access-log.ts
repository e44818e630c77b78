import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { printableJson } from '@oss-cse/crypto-core'
import type { FaultKind } from './faults.ts'

/** One request as the emulator saw it. The entry of a request under way is still filled in. */
export interface RecordedRequest {
  /** When the request came, ISO 8601. */
  readonly time: string
  readonly method: string
  /** As it came over the wire, escaped. */
  readonly path: string
  /** As it came over the wire, without `?`. */
  readonly query: string
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>
  /** 0 while there is no answer, and for good when the connection broke first. */
  readonly status: number
  /** Bytes of the request's body that were read. */
  readonly bytesIn: number
  /** Bytes of the answer's body that were sent. */
  readonly bytesOut: number
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

  /** Written at once: whoever waits for the connection's end finds the line. */
  write(record: RecordedRequest): void {
    const { time, method, path, query, status, bytesIn, bytesOut, requestId, fault } = record
    const line = { time, method, path, query, status, bytesIn, bytesOut, requestId, fault }
    writeSync(this.#file, `${printableJson(line)}\n`)
  }

  close(): void {
    closeSync(this.#file)
  }
}
