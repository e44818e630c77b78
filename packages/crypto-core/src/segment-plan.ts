import { CseError } from './errors.ts'
import type { ClosedRange } from './range-plan.ts'

/** The content algorithm of a sealed object, as its envelope names it. Compared exactly. */
export const SEALED_CEK_ALGORITHM = 'AES256_GCM_HKDF_64KB'
/** The length in bytes of each stored segment but the last one. Segment 0 begins with the header. */
export const SEGMENT_BYTES: number = 64 * 1024
/** The length in bytes of the header of a sealed object. */
export const SEALED_HEADER_BYTES = 40
/** The length in bytes of the tag at the end of each segment. */
export const TAG_BYTES = 16
/** The number of a segment is a part of its nonce and must never wrap. */
const MAX_SEGMENTS = 2 ** 31 - 1
/** The plaintext in a full segment. Segment 0 holds less, by the header. */
const PLAINTEXT_BYTES = SEGMENT_BYTES - TAG_BYTES

/** One segment of a sealed object. */
export interface Segment {
  /** From 0. */
  readonly index: number
  /** Whether it ends the object. */
  readonly last: boolean
  /** The offset of its first stored byte. Segment 0 begins with the header, at 0. */
  readonly storedOffset: number
  /** The number of its stored bytes: the header of segment 0, the ciphertext and the tag. */
  readonly storedBytes: number
  /** The offset of its first byte of plaintext. */
  readonly plaintextOffset: number
  /** The number of its bytes of plaintext. Zero only in an empty object. */
  readonly plaintextBytes: number
}

/**
 * The segments of one sealed object. Offsets are those of the plaintext, unless their name says that they are of the
 * stored bytes.
 */
export class SegmentPlan {
  /** The length of the plaintext in bytes. */
  readonly sizeBytes: number
  /** The length of the stored object in bytes. */
  readonly storedBytes: number
  readonly segmentCount: number

  /**
   * @param sizeBytes - the length of the plaintext
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for a length that is none, or that needs too many segments
   */
  constructor(sizeBytes: number) {
    if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0) {
      throw new CseError(
        'ERR_CSE_INVALID_ARGUMENT',
        `sizeBytes must be a non-negative integer, not ${sizeBytes}.`,
      )
    }
    this.sizeBytes = sizeBytes
    this.segmentCount = Math.max(1, Math.ceil((sizeBytes + SEALED_HEADER_BYTES) / PLAINTEXT_BYTES))
    this.storedBytes = SEALED_HEADER_BYTES + sizeBytes + TAG_BYTES * this.segmentCount
    if (this.segmentCount > MAX_SEGMENTS) {
      throw new CseError(
        'ERR_CSE_INVALID_ARGUMENT',
        `A sealed object has at most ${plaintextBefore(MAX_SEGMENTS)} bytes, not ${sizeBytes}.`,
      )
    }
  }

  /**
   * The plan of a stored object, from its length.
   *
   * @returns `undefined` if no sealed object has that length
   */
  static ofStored(storedBytes: number): SegmentPlan | undefined {
    if (!Number.isSafeInteger(storedBytes) || storedBytes < SEALED_HEADER_BYTES + TAG_BYTES) return undefined
    const segmentCount = Math.ceil(storedBytes / SEGMENT_BYTES)
    if (segmentCount > MAX_SEGMENTS) return undefined
    const plan = new SegmentPlan(storedBytes - SEALED_HEADER_BYTES - TAG_BYTES * segmentCount)
    // False if the last segment would have no byte of plaintext, but a segment before it.
    return plan.storedBytes === storedBytes ? plan : undefined
  }

  /** @throws {RangeError} if there is no such segment */
  segment(index: number): Segment {
    if (!Number.isInteger(index) || index < 0 || index >= this.segmentCount) {
      throw new RangeError(`There is no segment ${index} of ${this.segmentCount}.`)
    }
    const last = index === this.segmentCount - 1
    const storedOffset = index * SEGMENT_BYTES
    const plaintextOffset = plaintextBefore(index)
    return {
      index,
      last,
      storedOffset,
      storedBytes: (last ? this.storedBytes : storedOffset + SEGMENT_BYTES) - storedOffset,
      plaintextOffset,
      plaintextBytes: (last ? this.sizeBytes : plaintextBefore(index + 1)) - plaintextOffset,
    }
  }

  /** The segment of a byte of plaintext. */
  segmentAt(offsetBytes: number): Segment {
    return this.segment(Math.floor((offsetBytes + SEALED_HEADER_BYTES) / PLAINTEXT_BYTES))
  }

  /** The stored bytes of all segments that hold a range of the plaintext. */
  storedRange({ start, end }: ClosedRange): ClosedRange {
    const { storedOffset, storedBytes } = this.segmentAt(end)
    return { start: this.segmentAt(start).storedOffset, end: storedOffset + storedBytes - 1 }
  }
}

/** The number of bytes of plaintext in all segments before one, if all of them are full. */
export function plaintextBefore(segmentIndex: number): number {
  return segmentIndex === 0 ? 0 : segmentIndex * PLAINTEXT_BYTES - SEALED_HEADER_BYTES
}

/** The number of bytes of plaintext in the first stored bytes of an object, as far as their segments tell. For progress. */
export function plaintextIn(storedBytes: number): number {
  const segments = Math.ceil(storedBytes / SEGMENT_BYTES)
  return Math.max(0, storedBytes - SEALED_HEADER_BYTES - TAG_BYTES * segments)
}

/**
 * Computes the length of the plaintext of a sealed object from the length of what is stored, as in a listing. A listing does
 * not tell whether an object is sealed: only its envelope does.
 *
 * @param storedBytes - the stored length in bytes
 * @throws CseError `ERR_CSE_AUTHENTICATION_FAILED` for a length that no sealed object has
 *
 * @example
 * ```ts
 * const { headers } = await transport.head({ key, headers: {} })
 * const sizeBytes = plaintextLength(Number(headers['content-length']))
 * ```
 */
export function plaintextLength(storedBytes: number): number {
  const plan = SegmentPlan.ofStored(storedBytes)
  if (plan === undefined) throw notSealedLength(storedBytes)
  return plan.sizeBytes
}

/** The error of a stored length that no sealed object has. */
export function notSealedLength(storedBytes: number): CseError {
  return new CseError(
    'ERR_CSE_AUTHENTICATION_FAILED',
    `No sealed object has ${storedBytes} bytes: it was truncated or extended.`,
  )
}
