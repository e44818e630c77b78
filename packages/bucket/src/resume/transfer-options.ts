import { CseError } from '@oss-cse/crypto-core'
import type { CheckpointStore } from './checkpoint-store.ts'

/** How many parts are under way at once, when nothing else is asked for. */
const DEFAULT_PARALLEL = 3

/** How a transfer is cut and resumed. */
export interface TransferOptions {
  /**
   * The length in bytes of each part but the last: a multiple of 16, at least 100 KiB, for no more than 10,000 parts.
   * Absent: 10 MiB, or what the largest objects need.
   */
  readonly partSizeBytes?: number | undefined
  /**
   * Objects of at least this many bytes are transferred in parts. Default 10 MiB. A download's first request, which learns the
   * length of the object, asks for as many bytes, or for one part where that is more.
   */
  readonly multipartThresholdBytes?: number | undefined
  /** How many parts are under way at once, 1 to 100. Default 3. */
  readonly parallel?: number | undefined
  /**
   * Where to keep what it takes to resume after an interruption. Absent: a failed transfer leaves nothing behind, and the
   * next one starts from the beginning.
   */
  readonly checkpointStore?: CheckpointStore | undefined
}

/**
 * Checks how many parts may be under way at once.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT`
 */
export function checkedParallel(parallel: number = DEFAULT_PARALLEL): number {
  if (Number.isInteger(parallel) && parallel >= 1 && parallel <= 100) return parallel
  throw new CseError('ERR_CSE_INVALID_ARGUMENT', `parallel must be 1 to 100, not ${parallel}.`)
}

/**
 * Checks the length that an object must have to be transferred in parts.
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
