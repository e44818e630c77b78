import { CseError } from '@oss-cse/crypto-core'
import type { DownloadTarget } from '../resume/resumable-download.ts'

/** A download's target in a browser. */
export interface WebDownloadTarget extends DownloadTarget {
  /**
   * Finds out whether the target can be written, before any request.
   *
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT`
   */
  check(): Promise<void>
}

/** The error of a target that cannot be written. */
export function writeFailure(name: string, cause: unknown): CseError {
  if (CseError.isInstance(cause)) return cause
  const why = cause instanceof DOMException ? ` (${cause.name})` : ''
  return new CseError('ERR_CSE_FILE', `${name} could not be written${why}.`, { cause })
}

/** The error of a target that cannot be written from the start. */
export function invalidTarget(name: string, cause?: unknown): CseError {
  const why = cause instanceof DOMException ? ` (${cause.name})` : ''
  return new CseError('ERR_CSE_INVALID_ARGUMENT', `${name} cannot be written${why}.`, { cause })
}

/** The error of a target that was not opened. */
export function notOpen(name: string): CseError {
  return new CseError('ERR_CSE_FILE', `${name} is not open.`)
}
