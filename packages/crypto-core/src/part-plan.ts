import { BLOCK_BYTES } from './ctr-counter.ts'
import { CseError } from './errors.ts'
import { MAX_PARTS, MAX_REQUEST_BYTES, MIN_PART_BYTES } from './service-limits.ts'

/** The default part size in bytes. */
export const DEFAULT_PART_BYTES: number = 10 * 1024 ** 2

/** One part of an upload. */
export interface PartRange {
  /** 1 to `partCount`. */
  readonly partNumber: number
  /** The part's offset in the object, in bytes. The part's counter is the IV plus a sixteenth of the offset. */
  readonly offsetBytes: number
  readonly sizeBytes: number
}

/** The division of an object into parts. All parts but the last have the same size. */
export interface PartPlan {
  /** The length of the whole object in bytes. */
  readonly sizeBytes: number
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
 * @param sizeBytes - the object's length
 * @param partSizeBytes - the requested part size. Default: 10 MiB, or more if 10,000 parts would not be enough
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for a part size that is not a multiple of 16, too small, too large, or
 * leads to too many parts. The message names the nearest valid size.
 */
export function planParts(sizeBytes: number, partSizeBytes?: number): PartPlan {
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0) {
    throw invalid(`sizeBytes must be a non-negative integer, not ${sizeBytes}`)
  }
  const smallest = Math.max(MIN_PART_BYTES, roundUpToBlock(Math.ceil(sizeBytes / MAX_PARTS)))
  if (smallest > MAX_REQUEST_BYTES) {
    throw invalid(
      `${sizeBytes} bytes are more than ${MAX_PARTS} parts of ${MAX_REQUEST_BYTES} bytes can hold`,
    )
  }
  const chosen = partSizeBytes ?? Math.max(DEFAULT_PART_BYTES, smallest)
  checkAgainst(chosen, smallest, `for ${sizeBytes} bytes it`)
  const partCount = Math.max(1, Math.ceil(sizeBytes / chosen))
  return Object.freeze({
    sizeBytes,
    partSizeBytes: chosen,
    partCount,
    part(partNumber: number): PartRange {
      if (!Number.isInteger(partNumber) || partNumber < 1 || partNumber > partCount) {
        throw invalid(`partNumber must be 1 to ${partCount}, not ${partNumber}`)
      }
      const offsetBytes = (partNumber - 1) * chosen
      return { partNumber, offsetBytes, sizeBytes: Math.min(chosen, sizeBytes - offsetBytes) }
    },
  })
}

/**
 * Checks a part size before the length of the object is known.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT`. The message names the nearest valid size.
 */
export function checkPartSize(partSizeBytes: number): void {
  checkAgainst(partSizeBytes, MIN_PART_BYTES, 'it')
}

function checkAgainst(chosen: number, smallest: number, what: string): void {
  const nearest = nearestValid(chosen, smallest)
  if (chosen === nearest) return
  throw invalid(
    `a part size of ${chosen} bytes is not valid: ${what} must be a multiple of ${BLOCK_BYTES} from ${smallest} to ${MAX_REQUEST_BYTES}; the nearest is ${nearest}`,
  )
}

function roundUpToBlock(bytes: number): number {
  return Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES
}

function nearestValid(bytes: number, smallest: number): number {
  const block = Math.round(bytes / BLOCK_BYTES) * BLOCK_BYTES
  if (Number.isNaN(block)) return smallest
  return Math.min(Math.max(block, smallest), MAX_REQUEST_BYTES)
}

function invalid(why: string): CseError {
  return new CseError('ERR_CSE_INVALID_ARGUMENT', `Invalid part plan: ${why}.`)
}
