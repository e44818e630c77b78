import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { printableJson } from '@oss-cse/crypto-core/internal'
import type { FaultKind } from './faults.ts'

/** One request as the emulator saw it. While the request is in progress, its fields still change. */
export interface RecordedRequest {
  /** When the request arrived, ISO 8601. */
  readonly time: string
  readonly method: string
  /** As sent by the client, still escaped. */
  readonly path: string
  /** As sent by the client, without `?`. */
  readonly query: string
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>
  /** 0 until there is a response. It stays 0 if the connection breaks first. */
  readonly status: number
  /** Bytes of the request body that were read. */
  readonly bytesIn: number
  /** Bytes of the response body that were sent. */
  readonly bytesOut: number
  /** The request id in the response. */
  readonly requestId: string
  /** The fault that hit the request. */
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

  /** Writes synchronously: a client that has seen its connection end finds the line. */
  write(record: RecordedRequest): void {
    const { time, method, path, query, status, bytesIn, bytesOut, requestId, fault } = record
    const line = { time, method, path, query, status, bytesIn, bytesOut, requestId, fault }
    writeSync(this.#file, `${printableJson(line)}\n`)
  }

  close(): void {
    closeSync(this.#file)
  }
}
