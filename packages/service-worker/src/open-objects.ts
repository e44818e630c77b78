import type { CryptoBucket, ObjectReader } from '@oss-cse/bucket'
import type { ReadableObjects, ReadObject } from '@oss-cse/bucket/http'
import { readableBody } from '@oss-cse/bucket/internal'
import { type ByteRange, type ClosedRange, CseError, type HeaderMap } from '@oss-cse/crypto-core'
import { closedRange, linkedAbort } from '@oss-cse/crypto-core/internal'

/**
 * How much of a range without an end is returned. A player asks for the rest of the film at each seek, and drops it at the
 * next: without a limit, far more is fetched than played.
 */
export const MEDIA_RANGE_BYTES: number = 1024 * 1024

/** What objects are read from: a `ReadingBucket` of `@oss-cse/bucket/read`, or a `CryptoBucket`. */
export type ReadableBucket = Pick<CryptoBucket, 'get' | 'head' | 'openObject'>

type Requested = Parameters<ReadableObjects['get']>[1]

interface OpenedObject {
  readonly reader: Promise<ObjectReader>
  /** How many reads are about to begin. */
  users: number
  /** Whether it must be closed when nobody uses it. */
  dropped: boolean
}

/**
 * Reads ranges of objects, each of which is opened once: one HEAD and one unwrapped key. It keeps the objects that were used
 * last. One that was replaced is opened again.
 */
export class OpenObjects implements ReadableObjects {
  readonly #bucket: ReadableBucket
  readonly #maxOpenObjects: number
  /** By key, the one that was used last at the end. */
  readonly #opened = new Map<string, OpenedObject>()

  constructor(bucket: ReadableBucket, maxOpenObjects: number) {
    this.#bucket = bucket
    this.#maxOpenObjects = maxOpenObjects
  }

  head(...[key, options]: Parameters<ReadableObjects['head']>): ReturnType<ReadableObjects['head']> {
    return this.#bucket.head(key, options)
  }

  /** A whole object is not opened: one request and its end check all of it. */
  async get(key: string, options: Requested): Promise<ReadObject> {
    const { range, headers = {}, signal } = options
    if (range === undefined) return this.#bucket.get(key, { headers, signal })
    const wasOpen = this.#opened.has(key)
    try {
      return await this.#read(key, range, headers, signal)
    } catch (error) {
      if (!wasOpen || !mayBeStale(error)) throw error
      return this.#read(key, range, headers, signal)
    }
  }

  /** Closes all objects. Their keys are wiped. */
  async close(): Promise<void> {
    await Promise.all([...this.#opened].map(([key, opened]) => this.#drop(key, opened)))
  }

  async #read(
    key: string,
    range: ByteRange,
    conditions: HeaderMap,
    signal: AbortSignal | undefined,
  ): Promise<ReadObject> {
    const opened = this.#open(key)
    opened.users += 1
    try {
      // Others may wait for the same object, so it is not opened with the signal of one of them.
      const reader = await opened.reader
      signal?.throwIfAborted()
      const { description, sizeBytes: totalBytes } = reader
      const { 'if-match': wanted } = conditions
      if (wanted !== undefined && wanted !== description.etag) throw replaced(key)
      const { start, end } = answered(range, totalBytes, description.contentType)
      const body = await this.#begun(key, opened, reader, { start, end }, signal)
      const contentRange = `bytes ${start}-${end}/${totalBytes}`
      return { ...description, body, sizeBytes: end - start + 1, totalBytes, contentRange }
    } catch (error) {
      signal?.throwIfAborted()
      await this.#drop(key, opened)
      throw error
    } finally {
      opened.users -= 1
      await this.#closeUnused(opened)
    }
  }

  /** Reads until the first bytes are there: until then, a failure can be told by a status. */
  async #begun(
    key: string,
    opened: OpenedObject,
    reader: ObjectReader,
    range: ClosedRange,
    signal: AbortSignal | undefined,
  ): Promise<ReadableStream<Uint8Array>> {
    const abort = linkedAbort(signal)
    const chunks = reader.read(range, { signal: abort.signal })[Symbol.asyncIterator]()
    const read = async (): Promise<IteratorResult<Uint8Array>> => {
      try {
        const result = await chunks.next()
        if (result.done) abort.unlink()
        return result
      } catch (error) {
        abort.unlink()
        if (!abort.signal.aborted) await this.#drop(key, opened)
        throw error
      }
    }
    let first: IteratorResult<Uint8Array> | undefined = await read()
    const next = async (): Promise<IteratorResult<Uint8Array>> => {
      const held = first
      first = undefined
      return held ?? (await read())
    }
    return readableBody({ next }, async () => {
      // The signal first: it ends a pending read.
      abort.abort(new DOMException('The body was cancelled.', 'AbortError'))
      abort.unlink()
      await chunks.return?.().catch(() => {})
    })
  }

  #open(key: string): OpenedObject {
    const opened = this.#opened.get(key) ?? {
      reader: this.#bucket.openObject(key),
      users: 0,
      dropped: false,
    }
    this.#opened.delete(key)
    this.#opened.set(key, opened)
    for (const [oldKey, old] of this.#opened) {
      if (this.#opened.size <= this.#maxOpenObjects) break
      void this.#drop(oldKey, old)
    }
    return opened
  }

  async #drop(key: string, opened: OpenedObject): Promise<void> {
    if (this.#opened.get(key) === opened) this.#opened.delete(key)
    opened.dropped = true
    await this.#closeUnused(opened)
  }

  /** A read that has begun has what it needs of the key. */
  async #closeUnused({ reader, users, dropped }: OpenedObject): Promise<void> {
    if (!dropped || users > 0) return
    await reader.then(
      (opened) => opened.close(),
      () => {},
    )
  }
}

function answered(range: ByteRange, totalBytes: number, contentType = ''): ClosedRange {
  const { start, end } = closedRange(range, totalBytes)
  const isOpen = !('suffixLength' in range) && range.end === undefined
  const isMedia = /^(?:audio|video)\//i.test(contentType)
  const last = isOpen && isMedia ? Math.min(end, start + MEDIA_RANGE_BYTES - 1) : end
  // A range that begins behind the end is read all the same: that verifies the length of a sealed object.
  return { start, end: Math.max(start, last) }
}

/** What an object that was replaced can be the reason of. */
function mayBeStale(error: unknown): boolean {
  if (!CseError.isInstance(error)) return false
  return error.code === 'ERR_CSE_PRECONDITION_FAILED' || error.code === 'ERR_CSE_RANGE_NOT_SATISFIABLE'
}

function replaced(objectKey: string): CseError {
  return new CseError('ERR_CSE_PRECONDITION_FAILED', `${objectKey} was replaced.`, { objectKey })
}
