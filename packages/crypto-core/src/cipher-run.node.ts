import { availableParallelism } from 'node:os'
import { type CipherRun, type CipherRunOptions, startInlineRun } from './cipher-run.ts'
import { CipherThread } from './cipher-thread.node.ts'
import { createSha256 } from './sha256.node.ts'

export type { CipherDigests, CipherRun, CipherRunOptions } from './cipher-run.ts'

/** From this length in bytes on, a run is worth the way to another thread. */
const THREAD_BYTES = 4 * 1024 * 1024
/** More threads than this would only wait for the network. */
const MAX_THREADS = 4

let threads: readonly CipherThread[] | undefined

/**
 * Starts a run: a long one in a thread of its own, where the machine has a core for it and the thread can be started,
 * any other in the caller's thread.
 */
export function startCipherRun(options: CipherRunOptions): CipherRun {
  const { sizeBytes = 0, contentKey } = options
  if (sizeBytes < THREAD_BYTES || contentKey === undefined) return startInlineRun(options, createSha256)
  threads ??= Array.from(
    { length: Math.min(MAX_THREADS, availableParallelism() - 1) },
    () => new CipherThread(),
  )
  const usable = threads.filter((thread) => !thread.failed)
  const [idlest] = usable.sort((a, b) => a.load - b.load)
  return idlest?.start({ ...options, contentKey }, createSha256) ?? startInlineRun(options, createSha256)
}
