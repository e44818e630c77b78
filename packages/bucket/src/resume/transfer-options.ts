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
  readonly partSize?: number | undefined
  /** How many parts are under way at once, 1 to 100. Default 3. */
  readonly parallel?: number | undefined
  /**
   * Where to keep what it takes to go on after an interruption. Absent: a failed transfer leaves nothing behind, and
   * the next one begins anew.
   */
  readonly checkpoint?: CheckpointStore | undefined
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
 * Checks from which length on a transfer goes in parts.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT`
 */
export function checkThreshold(name: string, bytes: number): void {
  if (typeof bytes === 'number' && bytes >= 0) return
  throw new CseError('ERR_CSE_INVALID_ARGUMENT', `${name} must be a length in bytes, not ${bytes}.`)
}
