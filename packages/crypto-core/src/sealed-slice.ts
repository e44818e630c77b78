import { CseError } from './errors.ts'
import type { HeaderMap } from './ports.ts'
import {
  type ByteRange,
  type ClosedRange,
  closedRange,
  MAX_OFFSET,
  responseExtent,
  wrongResponse,
} from './range-plan.ts'
import {
  notSealedLength,
  SEALED_HEADER_BYTES,
  SEGMENT_BYTES,
  SegmentPlan,
  TAG_BYTES,
} from './segment-plan.ts'

/** The position of requested plaintext of a sealed object in a response. */
export interface SealedSlice {
  /** The segments of the object, from the length that the response stated: a claim until the last one is verified. */
  readonly plan: SegmentPlan
  /** The segments to open. */
  readonly firstSegment: number
  readonly lastSegment: number
  /** The stored bytes of these segments. */
  readonly stored: ClosedRange
  /** The offset of the first requested byte of plaintext. */
  readonly start: number
  /** The number of bytes of plaintext that the caller receives. Zero: the range is not in the object, as far as claimed. */
  readonly sizeBytes: number
  /** The number of bytes of plaintext of the first segment before the requested ones. */
  readonly discardBytes: number
  /** The stored offset of the response's first byte. */
  readonly responseStart: number
  /** The number of stored bytes in the response. */
  readonly responseBytes: number
  /** Whether the response holds all stored bytes of the segments, and at most two segments more. */
  readonly covered: boolean
}

const PLAINTEXT_BYTES = SEGMENT_BYTES - TAG_BYTES

/**
 * Returns the Range header that requests a range of a sealed object whose length is not known: whole segments, of which the
 * last may be shorter.
 *
 * @param range - the offsets of the plaintext
 */
export function sealedRangeHeader(range: ByteRange): string {
  if ('suffixLength' in range) {
    const { suffixLength } = range
    // The first segment may begin that much before the suffix. Each segment has a tag, and the first a header.
    const segments = Math.floor(suffixLength / PLAINTEXT_BYTES) + 2
    const stored = suffixLength + PLAINTEXT_BYTES - 1 + segments * TAG_BYTES + SEALED_HEADER_BYTES
    return `bytes=-${Math.min(stored, MAX_OFFSET)}`
  }
  const { start, end } = range
  const last = end === undefined ? undefined : Math.min((segmentOf(end) + 1) * SEGMENT_BYTES - 1, MAX_OFFSET)
  return `bytes=${Math.min(segmentOf(start) * SEGMENT_BYTES, MAX_OFFSET)}-${last ?? ''}`
}

/**
 * Computes which segments hold a range, from the headers of a response to a request for any part of the object.
 *
 * @param range - the requested range; `undefined` for the whole object
 * @param response - the status, and the headers in lower case
 * @returns for a range behind the end: the last segment, which must be verified before anybody is told so
 * @throws CseError `ERR_CSE_AUTHENTICATION_FAILED` for a length that no sealed object has; `ERR_CSE_INTEGRITY` when the
 * response contradicts itself, or holds a part where the whole was requested
 */
export function sliceSealed(
  range: ByteRange | undefined,
  response: { readonly status: number; readonly headers: HeaderMap },
): SealedSlice {
  const { first, last, total } = responseExtent(response)
  const plan = SegmentPlan.ofStored(total)
  if (plan === undefined) throw notSealedLength(total)
  const { start, end } = closedRange(range, plan.sizeBytes)
  const none = start > end
  const [from, to] = none
    ? [plan.segment(plan.segmentCount - 1), plan.segment(plan.segmentCount - 1)]
    : [plan.segmentAt(start), plan.segmentAt(end)]
  const stored = { start: from.storedOffset, end: to.storedOffset + to.storedBytes - 1 }
  const surplus = last - first - (stored.end - stored.start)
  const covered =
    first <= stored.start && last >= stored.end && (range === undefined || surplus <= 2 * SEGMENT_BYTES)
  if (range === undefined && !covered) throw wrongResponse('a part of the object instead of the whole')
  return {
    plan,
    firstSegment: from.index,
    lastSegment: to.index,
    stored,
    start,
    sizeBytes: none ? 0 : end - start + 1,
    discardBytes: none ? 0 : start - from.plaintextOffset,
    responseStart: first,
    responseBytes: last - first + 1,
    covered,
  }
}

/**
 * Compares the lengths that an envelope records with the length of a sealed object.
 *
 * @throws CseError `ERR_CSE_AUTHENTICATION_FAILED`
 */
export function checkSealedLengths(
  { sizeBytes, storedBytes }: SegmentPlan,
  recorded: {
    readonly unencryptedContentLength?: number | undefined
    readonly dataSizeBytes?: number | undefined
  },
): void {
  const { unencryptedContentLength = sizeBytes, dataSizeBytes = storedBytes } = recorded
  if (unencryptedContentLength === sizeBytes && dataSizeBytes === storedBytes) return
  throw new CseError(
    'ERR_CSE_AUTHENTICATION_FAILED',
    'The object does not have the length that its envelope records: it was truncated, extended or replaced.',
  )
}

/** The segment of a byte of plaintext, in an object that is long enough. */
function segmentOf(offsetBytes: number): number {
  return Math.floor((offsetBytes + SEALED_HEADER_BYTES) / PLAINTEXT_BYTES)
}
