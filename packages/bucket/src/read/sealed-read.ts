import type { ClosedRange, GetObjectResponse, ObjectBody } from '@oss-cse/crypto-core'
import type { SealedSlice, Segment, SegmentPlan } from '@oss-cse/crypto-core/internal'
import type { OpenedSegments, OpeningPass, SealedCipher } from '../cipher/sealed-cipher.ts'
import { aboutObject } from '../policy/about-object.ts'
import type { ObjectRequests } from '../requests/object-requests.ts'
import { type PinnedObject, rangeBytes, type SealedState } from '../requests/range-bytes.ts'
import { readSegment } from '../requests/read-segment.ts'

/** Segments, and the plaintext of them that is wanted. */
export type WantedSegments = Pick<
  SealedSlice,
  'plan' | 'firstSegment' | 'lastSegment' | 'stored' | 'discardBytes' | 'sizeBytes'
>

/** What a sealed object is read with. */
export interface SealedReadOptions {
  readonly key: string
  readonly etag: string | undefined
  /** What each response must state. */
  readonly state: SealedState
  readonly slice: WantedSegments
  readonly cipher: SealedCipher
  /** Called when a request is due: a read may begin long after it was made. */
  readonly requests: () => ObjectRequests
  /** Returns a response that already contains the segments, if there is one. */
  readonly takeFirst: () => GetObjectResponse | undefined
  /** As `requests`. */
  readonly signal: () => AbortSignal | undefined
  /** Whether the digest of the segments is wanted. Default false. */
  readonly digest?: boolean | undefined
}

/**
 * Reads the wanted plaintext of a sealed object. A byte leaves only after its segment was verified; a segment that is not
 * authentic is requested once more. All responses must state the same length and the same state of the object.
 *
 * @throws CseError while it is read: `ERR_CSE_AUTHENTICATION_FAILED`; what `rangeBytes` throws
 */
export function readSealed(options: SealedReadOptions): OpeningPass {
  const { source, segments } = sealedSource(options)
  const { cipher, key, signal, digest = false } = options
  const pass = cipher.open(source, segments, { digest })
  return { ...pass, open: (watch) => named(pass.open({ ...watch, signal: signal() }), key) }
}

/** The same bytes, with the object's key in their error. */
async function* named(
  bytes: AsyncGenerator<Uint8Array, void, undefined>,
  key: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* bytes
  } catch (error) {
    throw aboutObject(error, key)
  }
}

/** The stored bytes of segments, and how one of them is read again. */
export function sealedSource({
  key,
  etag,
  state,
  slice,
  requests,
  takeFirst,
  signal,
}: Omit<SealedReadOptions, 'cipher'>): { readonly source: ObjectBody; readonly segments: OpenedSegments } {
  const { plan, stored } = slice
  const object: PinnedObject = { key, etag, sizeBytes: plan.storedBytes, sealed: state }
  const storedBytes = (range: ClosedRange, first?: typeof takeFirst) =>
    rangeBytes({ object, range, requests: requests(), takeFirst: first, signal: signal() })
  const readAgain = (segment: Segment): Promise<Uint8Array> => readSegment(segment, storedBytes)
  return { source: { open: () => storedBytes(stored, takeFirst) }, segments: { ...slice, readAgain } }
}

/** The segments of a range inside a sealed object. */
export function segmentsOf(plan: SegmentPlan, { start, end }: ClosedRange): WantedSegments {
  const first = plan.segmentAt(start)
  return {
    plan,
    firstSegment: first.index,
    lastSegment: plan.segmentAt(end).index,
    stored: plan.storedRange({ start, end }),
    discardBytes: start - first.plaintextOffset,
    sizeBytes: end - start + 1,
  }
}

/** Whether a range consists of whole segments. */
export function isWhole(plan: SegmentPlan, { start, end }: ClosedRange): boolean {
  const last = plan.segmentAt(end)
  return (
    plan.segmentAt(start).plaintextOffset === start && last.plaintextOffset + last.plaintextBytes - 1 === end
  )
}

/** The last segment of a sealed object, and none of its plaintext: to verify the length. */
export function lastSegmentOf(plan: SegmentPlan): WantedSegments {
  const { index, storedOffset, storedBytes } = plan.segment(plan.segmentCount - 1)
  const stored = { start: storedOffset, end: storedOffset + storedBytes - 1 }
  return { plan, firstSegment: index, lastSegment: index, stored, discardBytes: 0, sizeBytes: 0 }
}
