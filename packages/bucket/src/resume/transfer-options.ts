import { CseError } from '@oss-cse/crypto-core'
import type { CheckpointStore } from './checkpoint-store.ts'

/** The default number of parallel parts. */
const DEFAULT_PARALLEL = 3

/** Options that set the parts of a transfer and let it resume. */
export interface TransferOptions {
  /**
   * The length in bytes of each part except the last: a multiple of 16, at least 100 KiB. There can be at most 10,000
   * parts. Absent: 10 MiB, or more for the largest objects.
   */
  readonly partSizeBytes?: number | undefined
  /**
   * Objects of at least this many bytes are transferred in parts. Default 10 MiB. A download's first request, which
   * finds out the length of the object, is for this many bytes or for one part, whichever is more.
   */
  readonly multipartThresholdBytes?: number | undefined
  /** The number of parts that are transferred in parallel, 1 to 100. Default 3. */
  readonly parallel?: number | undefined
  /**
   * Keeps the state that resumes an interrupted transfer. Absent: a failed transfer leaves nothing behind, and the next
   * one starts from the beginning.
   */
  readonly checkpointStore?: CheckpointStore | undefined
}

/**
 * Checks the number of parallel parts.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT`
 */
export function checkedParallel(parallel: number = DEFAULT_PARALLEL): number {
  if (Number.isInteger(parallel) && parallel >= 1 && parallel <= 100) return parallel
  throw new CseError('ERR_CSE_INVALID_ARGUMENT', `parallel must be 1 to 100, not ${parallel}.`)
}

/**
 * Checks the length from which objects are transferred in parts.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT`
 */
export function checkThreshold(bytes: number): void {
  if (typeof bytes === 'number' && bytes >= 0) return
  throw new CseError(
    'ERR_CSE_INVALID_ARGUMENT',
    `multipartThresholdBytes must be a length in bytes, not ${bytes}.`,
  )
}
