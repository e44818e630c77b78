/** Whole segments of a sealed object. */
export interface SealedSegments {
  /** See `encodeContext`. */
  readonly context: Uint8Array
  /** The length of the object's plaintext. */
  readonly sizeBytes: number
  readonly firstSegment: number
  readonly lastSegment: number
}
