import type { PartRange } from '@oss-cse/crypto-core'
import { SEGMENT_BYTES, type SealedRun } from '@oss-cse/crypto-core/internal'

/** Whole segments of a sealed object. */
export interface SealedSegments {
  /** See `encodeContext`. */
  readonly context: Uint8Array
  /** The length of the object's plaintext. */
  readonly sizeBytes: number
  readonly firstSegment: number
  readonly lastSegment: number
}

/** Where in the object the segments of a part are sealed. */
export function sealedRunOf(
  { storedOffset, last }: Pick<PartRange, 'storedOffset' | 'last'>,
  context: Uint8Array,
): SealedRun {
  return { context, firstSegment: storedOffset / SEGMENT_BYTES, endsObject: last }
}
