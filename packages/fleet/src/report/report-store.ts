import type { CallOptions } from '@oss-cse/crypto-core'

/**
 * Where a run keeps its report: one part for each attempt at a shard, and the results that are made of the parts. Keys are personal data:
 * only the owner of the run can read a store.
 *
 * Its methods reject with the signal's reason, and with what the store itself throws.
 */
export interface ReportStore {
  /**
   * Stores a part, or replaces it: afterwards the store has all of its lines, or is unchanged.
   *
   * @param partName - see `partName`
   * @param lines - without the ends of the lines. If this fails, so does the call
   */
  writePart(partName: string, lines: AsyncIterable<string>, options?: CallOptions): Promise<void>
  /** The names of all parts, in ascending order. */
  partNames(options?: CallOptions): AsyncIterable<string>
  /**
   * The lines of a part, as they were written.
   *
   * @throws CseError `ERR_CSE_NOT_FOUND` when there is no such part
   */
  readPart(partName: string, options?: CallOptions): AsyncIterable<string>
  /**
   * Stores a result, or replaces it, as `writePart`.
   *
   * @param name - of the file, such as `report.csv`
   * @param chunks - pieces of its text, of any length
   */
  writeResult(name: string, chunks: AsyncIterable<string>, options?: CallOptions): Promise<void>
}
