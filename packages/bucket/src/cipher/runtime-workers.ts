import { bindFileRuns } from '#file-runs'
import type { FileWorkers } from '../policy/bucket-context.ts'
import { RuntimeWorkers } from './file-workers.ts'

/**
 * The workers of this runtime. Only a bucket that writes asks for them, so that a bundle that only reads does not contain
 * what they run.
 *
 * @param most - see `CryptoBucketOptions.fileWorkers`
 */
export function runtimeWorkers(most: number | undefined): FileWorkers {
  return new RuntimeWorkers(bindFileRuns, most)
}
