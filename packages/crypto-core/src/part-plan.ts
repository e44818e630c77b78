import { BLOCK_BYTES } from './ctr-counter.ts'
import type { ContentFormat } from './envelope.ts'
import { CseError } from './errors.ts'
import { plaintextBefore, SEGMENT_BYTES, SegmentPlan } from './segment-plan.ts'
import { MAX_PARTS, MAX_REQUEST_BYTES, MIN_PART_BYTES } from './service-limits.ts'

/** The default part size in bytes. */
export const DEFAULT_PART_BYTES: number = 10 * 1024 ** 2

/** One part of an upload. */
export interface PartRange {
  /** 1 to `partCount`. */
  readonly partNumber: number
  /** Whether it is the last part of the object. */
  readonly last: boolean
  /** The part's offset in the plaintext, in bytes. With AES-CTR, its counter is the IV plus a sixteenth of the offset. */
  readonly offsetBytes: number
  /** The length of the part's plaintext in bytes. */
  readonly sizeBytes: number
  /** The part's offset in the stored object. That of a sealed one is larger. */
  readonly storedOffset: number
  /** The length of the part as it is sent and stored. */
  readonly storedBytes: number
}

/** The division of an object into parts. All parts but the last have the same size. */
export interface PartPlan {
  /** The length of the whole plaintext in bytes. */
  readonly sizeBytes: number
  /** The length of the whole stored object in bytes. */
  readonly storedBytes: number
  /** The stored length of each part but the last. */
  readonly partSizeBytes: number
  readonly partCount: number
  /**
   * Returns the position of one part.
   *
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for a number outside 1..partCount.
   */
  part(partNumber: number): PartRange
}

/**
 * Plans the parts of an upload.
 *
 * @param sizeBytes - the plaintext's length
 * @param partSizeBytes - the requested stored length of a part. Default: 10 MiB, or more if 10,000 parts would not be enough
 * @param format - how the content will be encrypted. The parts of a sealed object are whole segments
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for a part size that is not a multiple of 16, or of 64 KiB in a sealed object,
 * too small, too large, or leads to too many parts. The message names the nearest valid size.
 */
export function planParts(
  sizeBytes: number,
  partSizeBytes?: number,
  format: ContentFormat = 'aes-ctr',
): PartPlan {
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0) {
    throw invalid(`sizeBytes must be a non-negative integer, not ${sizeBytes}`)
  }
  const segments = format === 'sealed' ? new SegmentPlan(sizeBytes) : undefined
  const { storedBytes = sizeBytes } = segments ?? {}
  const { unitBytes } = PART_SIZES[format]
  const smallest = roundedPartSize(storedBytes, 0, format)
  if (smallest > MAX_REQUEST_BYTES) {
    throw invalid(
      `${sizeBytes} bytes are more than ${MAX_PARTS} parts of ${MAX_REQUEST_BYTES} bytes can hold`,
    )
  }
  const chosen = partSizeBytes ?? Math.max(DEFAULT_PART_BYTES, smallest)
  checkAgainst(chosen, smallest, unitBytes, `for ${sizeBytes} bytes it`)
  const partCount = Math.max(1, Math.ceil(storedBytes / chosen))
  return Object.freeze({
    sizeBytes,
    storedBytes,
    partSizeBytes: chosen,
    partCount,
    part(partNumber: number): PartRange {
      if (!Number.isInteger(partNumber) || partNumber < 1 || partNumber > partCount) {
        throw invalid(`partNumber must be 1 to ${partCount}, not ${partNumber}`)
      }
      const storedOffset = (partNumber - 1) * chosen
      const last = partNumber === partCount
      const stored = { last, storedOffset, storedBytes: Math.min(chosen, storedBytes - storedOffset) }
      if (segments === undefined) {
        return { partNumber, offsetBytes: storedOffset, sizeBytes: stored.storedBytes, ...stored }
      }
      const offsetBytes = plaintextBefore(storedOffset / SEGMENT_BYTES)
      const end = last ? sizeBytes : plaintextBefore((storedOffset + chosen) / SEGMENT_BYTES)
      return { partNumber, offsetBytes, sizeBytes: end - offsetBytes, ...stored }
    },
  })
}

/** The sizes of parts: multiples of a unit from a minimum. Two segments are the fewest above the minimum of the service. */
const PART_SIZES: Readonly<Record<ContentFormat, { readonly unitBytes: number; readonly minBytes: number }>> =
  {
    'aes-ctr': { unitBytes: BLOCK_BYTES, minBytes: MIN_PART_BYTES },
    sealed: { unitBytes: SEGMENT_BYTES, minBytes: 2 * SEGMENT_BYTES },
  }

/**
 * The smallest valid size of parts of at least `partSizeBytes`. It may be more than a request can hold.
 *
 * @param storedBytes - the length of the whole stored object
 */
export function roundedPartSize(storedBytes: number, partSizeBytes: number, format: ContentFormat): number {
  const { unitBytes, minBytes } = PART_SIZES[format]
  return roundUp(Math.max(partSizeBytes, minBytes, Math.ceil(storedBytes / MAX_PARTS)), unitBytes)
}

/**
 * Checks a part size before the length of the object is known.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT`. The message names the nearest valid size.
 */
export function checkPartSize(partSizeBytes: number): void {
  checkAgainst(partSizeBytes, MIN_PART_BYTES, BLOCK_BYTES, 'it')
}

function checkAgainst(chosen: number, smallest: number, unitBytes: number, what: string): void {
  const nearest = nearestValid(chosen, smallest, unitBytes)
  if (chosen === nearest) return
  throw invalid(
    `a part size of ${chosen} bytes is not valid: ${what} must be a multiple of ${unitBytes} from ${smallest} to ${MAX_REQUEST_BYTES}; the nearest is ${nearest}`,
  )
}

function roundUp(bytes: number, unitBytes: number): number {
  return Math.ceil(bytes / unitBytes) * unitBytes
}

function nearestValid(bytes: number, smallest: number, unitBytes: number): number {
  const nearest = Math.round(bytes / unitBytes) * unitBytes
  if (Number.isNaN(nearest)) return smallest
  return Math.min(Math.max(nearest, smallest), MAX_REQUEST_BYTES)
}

function invalid(why: string): CseError {
  return new CseError('ERR_CSE_INVALID_ARGUMENT', `Invalid part plan: ${why}.`)
}
