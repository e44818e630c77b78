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

/** A run of segments, and what a worker that seals them must know. */
export interface SealedFileRun extends SealedRun {
  /** See `encodeContext`. */
  readonly context: Uint8Array
}

/** Where in the object the segments of a part are sealed. */
export function sealedRunOf({ storedOffset, last }: Pick<PartRange, 'storedOffset' | 'last'>): SealedRun {
  return { firstSegment: storedOffset / SEGMENT_BYTES, endsObject: last }
}
