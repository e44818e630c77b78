import {
  type CallOptions,
  CseError,
  callWithRetries,
  checkedRetryOptions,
  concatBytes,
  type MultipartTransport,
  type ObjectBody,
  type ObjectCatalog,
  type ObjectTransport,
  OSS_HEADERS,
  type PutObjectResponse,
  type RetryOptions,
  type RetryPolicy,
  type UploadedPart,
} from '@oss-cse/crypto-core'
import { createCrc64, MAX_DELETED_KEYS, parseCrc64 } from '@oss-cse/crypto-core/internal'
import { shardObjects } from '../ordered-listing.ts'
import { formatIntents, intentRecord } from '../placement/intent-lines.ts'
import type { IntentEntry, IntentRecord, IntentStore } from '../placement/intent-store.ts'
import {
  checkedResultName,
  INTENTS_FILE,
  intentsDirectory,
  intentsFile,
  PART_FILE,
  partFile,
} from './report-names.ts'
import type { ReportStore } from './report-store.ts'
import { endedLines, joinedText, textLines } from './text-lines.ts'

/** The length of each part of the upload of a large result. With 10,000 parts, a result has at most 80 GB. */
const UPLOAD_PART_BYTES = 8 * 1024 ** 2

const HEADERS = { 'content-type': 'application/octet-stream' }

/** Options of an object report store. */
export interface ObjectReportStoreOptions {
  /** The transport of the report bucket. Nobody but the owner of the run should be able to read this bucket. */
  readonly transport: Pick<ObjectTransport, 'get' | 'put'> &
    Pick<MultipartTransport, 'initiate' | 'uploadPart' | 'complete' | 'abort'>
  readonly catalog: Pick<ObjectCatalog, 'list' | 'deleteMany'>
  /** The prefix of the run's objects, such as `fleet/2026-11/`. It must not be in what the run itself audits. */
  readonly prefix: string
  /** The retries of each request. */
  readonly retry?: RetryOptions | undefined
}

/**
 * Keeps the report of a run in a bucket, in plaintext, for runs on several machines: its parts under `parts/`, its intents
 * under `intents/`, and its results next to these. An object appears when it is complete. Holds one part, or 8 MiB of a result, in memory.
 *
 * Its methods reject with what the transport and the catalog throw, and with `ERR_CSE_INTEGRITY` when the service stored
 * other bytes.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for invalid retry options
 *
 * @example
 * ```ts
 * const reports = new OssTransport({ client: clientOfReportBucket })
 * const store = new ObjectReportStore({ transport: reports, catalog: reports, prefix: 'fleet/2026-11/' })
 * ```
 */
export class ObjectReportStore implements ReportStore, IntentStore {
  readonly #options: ObjectReportStoreOptions
  readonly #retry: RetryPolicy

  constructor(options: ObjectReportStoreOptions) {
    this.#options = options
    this.#retry = checkedRetryOptions(options.retry)
  }

  async writePart(partName: string, lines: AsyncIterable<string>, options?: CallOptions): Promise<void> {
    await this.#putLines(this.#partKey(partName), lines, options)
  }

  async *partNames(options: CallOptions = {}): AsyncGenerator<string, void, undefined> {
    for await (const file of this.#files('parts/', options)) {
      const name = PART_FILE.exec(file)?.[1]
      if (name !== undefined) yield name
    }
  }

  readPart(partName: string, options?: CallOptions): AsyncGenerator<string, void, undefined> {
    return this.#lines(this.#partKey(partName), options)
  }

  async addIntents(
    shardName: string,
    entries: readonly IntentEntry[],
    options?: CallOptions,
  ): Promise<string> {
    const id = crypto.randomUUID()
    await this.#putLines(this.#intentsKey(shardName, id), formatIntents(entries), options)
    return id
  }

  async readIntents(shardName: string, options: CallOptions = {}): Promise<readonly IntentRecord[]> {
    const records: IntentRecord[] = []
    for await (const file of this.#files(`${intentsDirectory(shardName)}/`, options)) {
      const id = INTENTS_FILE.exec(file)?.[1]
      if (id === undefined) continue
      const record = await intentRecord(id, this.#lines(this.#intentsKey(shardName, id), options))
      if (record !== undefined) records.push(record)
    }
    return records
  }

  async removeIntents(
    shardName: string,
    ids: readonly string[],
    { signal }: CallOptions = {},
  ): Promise<void> {
    const { catalog } = this.#options
    const keys = ids.map((id) => this.#intentsKey(shardName, id))
    for (let start = 0; start < keys.length; start += MAX_DELETED_KEYS) {
      const batch = keys.slice(start, start + MAX_DELETED_KEYS)
      await this.#send(signal, () => catalog.deleteMany({ keys: batch, signal }))
    }
  }

  /** The names of objects, without the directory that they are in. */
  async *#files(directory: string, { signal }: CallOptions): AsyncGenerator<string, void, undefined> {
    const { catalog, prefix, retry } = this.#options
    const listed = prefix + directory
    const listing = { catalog, prefix: listed, retry, signal }
    for await (const { key } of shardObjects({ index: 0 }, listing)) yield key.slice(listed.length)
  }

  async *#lines(key: string, { signal }: CallOptions = {}): AsyncGenerator<string, void, undefined> {
    const { transport } = this.#options
    // As a whole, so that a broken connection is repeated.
    const bytes = await this.#send(signal, async () => {
      const { body } = await transport.get({ key, headers: {}, signal })
      const chunks: Uint8Array[] = []
      for await (const chunk of body) chunks.push(chunk)
      return concatBytes(chunks)
    })
    yield* textLines(once(bytes))
  }

  async writeResult(
    name: string,
    chunks: AsyncIterable<string>,
    { signal }: CallOptions = {},
  ): Promise<void> {
    const { transport, prefix } = this.#options
    const key = prefix + checkedResultName(name)
    const pieces = fullPieces(chunks)
    const [first, second] = [await pieces.next(), await pieces.next()]
    if (second.done) return this.#put(key, first.value || new Uint8Array(0), { signal })
    const { uploadId } = await this.#send(signal, () => transport.initiate({ key, headers: HEADERS, signal }))
    const upload = { key, uploadId, signal }
    try {
      const parts: UploadedPart[] = []
      for await (const bytes of joined([first, second], pieces)) {
        const part = { ...upload, headers: {}, partNumber: parts.length + 1, body: bodyOf(bytes) }
        parts.push(await this.#send(signal, () => transport.uploadPart(part)))
      }
      await this.#send(signal, () => transport.complete({ ...upload, parts, headers: {} }))
    } catch (error) {
      // What cannot be aborted now can be found by `listUploads`.
      await transport.abort({ key, uploadId }).catch(() => {})
      throw error
    }
  }

  async #putLines(key: string, lines: AsyncIterable<string>, options: CallOptions = {}): Promise<void> {
    const encoder = new TextEncoder()
    const chunks: Uint8Array[] = []
    for await (const text of joinedText(endedLines(lines))) chunks.push(encoder.encode(text))
    await this.#put(key, concatBytes(chunks), options)
  }

  async #put(key: string, bytes: Uint8Array, { signal }: CallOptions): Promise<void> {
    const { transport } = this.#options
    const put = { key, headers: HEADERS, body: bodyOf(bytes), signal }
    checkStored(key, bytes, await this.#send(signal, () => transport.put(put)))
  }

  #intentsKey(shardName: string, id: string): string {
    return `${this.#options.prefix}${intentsDirectory(shardName)}/${intentsFile(id)}`
  }

  #partKey(partName: string): string {
    return `${this.#options.prefix}parts/${partFile(partName)}`
  }

  #send<Result>(signal: AbortSignal | undefined, call: () => Promise<Result>): Promise<Result> {
    return callWithRetries(call, { retry: this.#retry, signal })
  }
}

function bodyOf(bytes: Uint8Array): ObjectBody {
  return { sizeBytes: bytes.length, open: () => once(bytes) }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  if (bytes.length > 0) yield bytes
}

async function* joined(
  first: readonly IteratorResult<Uint8Array, void>[],
  rest: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (const piece of first) if (!piece.done) yield piece.value
  yield* rest
}

/** Encodes a text in pieces that are parts of an upload: all but the last are full. */
async function* fullPieces(texts: AsyncIterable<string>): AsyncGenerator<Uint8Array, void, undefined> {
  const encoder = new TextEncoder()
  let chunks: Uint8Array[] = []
  let sizeBytes = 0
  for await (const text of joinedText(texts)) {
    const chunk = encoder.encode(text)
    chunks.push(chunk)
    sizeBytes += chunk.length
    if (sizeBytes < UPLOAD_PART_BYTES) continue
    yield concatBytes(chunks)
    chunks = []
    sizeBytes = 0
  }
  if (sizeBytes > 0) yield concatBytes(chunks)
}

function checkStored(objectKey: string, bytes: Uint8Array, { headers }: PutObjectResponse): void {
  const stored = parseCrc64(headers[OSS_HEADERS.crc64])
  const crc = createCrc64()
  crc.update(bytes)
  if (stored === undefined || stored === crc.value()) return
  throw new CseError('ERR_CSE_INTEGRITY', `The service stored other bytes as ${objectKey}. Write it again.`, {
    objectKey,
  })
}
