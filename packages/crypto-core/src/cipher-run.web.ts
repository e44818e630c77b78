import { type CipherRun, type CipherRunOptions, startInlineRun } from './cipher-run.ts'
import { createSha256 } from './sha256.web.ts'

export type { CipherDigests, CipherRun, CipherRunOptions } from './cipher-run.ts'

/** Starts a run: in the caller's thread. */
export function startCipherRun(options: CipherRunOptions): CipherRun {
  return startInlineRun(options, createSha256)
}
