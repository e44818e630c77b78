import {
  type ByteChunks,
  type ByteRange,
  type ClosedRange,
  CseError,
  type GetObjectResponse,
  type HeaderMap,
  OSS_HEADERS,
} from '@oss-cse/crypto-core'
import {
  isEnvelopeHeader,
  type RangeSlice,
  rangeHeader,
  sliceResponse,
  statedBytes,
} from '@oss-cse/crypto-core/internal'
import { aboutObject } from '../policy/about-object.ts'
import type { ObjectRequests } from './object-requests.ts'
import { closeIterator, ResumedRead, wasReplaced } from './resumed-read.ts'

/** One state of one object. */
export interface PinnedObject {
  readonly key: string
  /** Absent: the service returned none, so that a broken read is not resumed. */
  readonly etag: string | undefined
  /** The length of the whole object in bytes. */
  readonly sizeBytes: number
  /** What else each response must state of a sealed object. */
  readonly sealed?: SealedState | undefined
}

/** What identifies one state of a sealed object, beside its ETag and its length. */
export interface SealedState {
  /** The headers of the envelope, as one text. */
  readonly envelope: string
  readonly versionId: string | undefined
}

/** The state that the headers of a response state. */
export function sealedState(headers: HeaderMap): SealedState {
  const envelope = Object.entries(headers).filter(([name]) => isEnvelopeHeader(name))
  return { envelope: JSON.stringify(envelope.toSorted()), versionId: headers[OSS_HEADERS.versionId] }
}

/** A range to read, and its requests. */
export interface RangeBytesOptions {
  readonly object: PinnedObject
  readonly range: ClosedRange
  readonly requests: ObjectRequests
  /** Returns a response that already contains the range, if there is one. */
  readonly takeFirst?: (() => GetObjectResponse | undefined) | undefined
  readonly signal: AbortSignal | undefined
}

/**
 * Reads the stored bytes of a range, all from one state of the object. Resumes if the connection breaks.
 *
 * @throws CseError while it is read: `ERR_CSE_PRECONDITION_FAILED` when the object was replaced, `ERR_CSE_INTEGRITY` when
 * other bytes arrive than were announced, and what the transport throws; the signal's reason
 */
export function rangeBytes(options: RangeBytesOptions): ByteChunks {
  let current: ResumedRead | undefined
  const chunks = readRange(options, (read) => {
    current = read
  })
  return Object.assign(chunks, { recycle: () => current?.recycle() })
}

async function* readRange(
  { object, range, requests, takeFirst, signal }: RangeBytesOptions,
  onRead: (read: ResumedRead) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { key, etag = '' } = object
  signal?.throwIfAborted()
  try {
    const response = takeFirst?.() ?? (await requests.first(rangeHeader(range)))
    const slice = await checkedSlice(object, range, response)
    const ciphertext = new ResumedRead({
      key,
      response,
      slice,
      onlyWanted: true,
      async reopen(start, end, error) {
        const again = await requests.resume(etag, start, end, error)
        if (isSameState(object, again.headers)) return again
        await closeIterator(again.body[Symbol.asyncIterator]())
        throw wasReplaced(key)
      },
    })
    onRead(ciphertext)
    // The first range's request only has the signal that the object was opened with.
    const stop = (): void => void ciphertext.close()
    signal?.addEventListener('abort', stop, { once: true })
    try {
      for await (const chunk of ciphertext) yield chunk
    } finally {
      await ciphertext.close()
      signal?.removeEventListener('abort', stop)
    }
  } catch (error) {
    signal?.throwIfAborted()
    // The range was in the object that was opened.
    const beyond = CseError.isInstance(error) && error.code === 'ERR_CSE_RANGE_NOT_SATISFIABLE'
    throw aboutObject(beyond ? wasReplaced(key) : error, key)
  }
}

/** Computes the slice of a response. Closes a response that is from another state of the object, and throws. */
async function checkedSlice(
  object: PinnedObject,
  range: ByteRange,
  response: GetObjectResponse,
): Promise<RangeSlice> {
  const { key, etag, sizeBytes } = object
  try {
    const { headers } = response
    const same =
      headers['etag'] === etag && statedBytes(response) === sizeBytes && isSameState(object, headers)
    if (!same) throw wasReplaced(key)
    return sliceResponse(range, response)
  } catch (error) {
    await closeIterator(response.body[Symbol.asyncIterator]())
    throw error
  }
}

/** Whether a response is from the same state of a sealed object. Where the first one named no version, none is compared. */
function isSameState({ sealed }: PinnedObject, headers: HeaderMap): boolean {
  if (sealed === undefined) return true
  const { envelope, versionId } = sealedState(headers)
  return envelope === sealed.envelope && (sealed.versionId === undefined || versionId === sealed.versionId)
}
