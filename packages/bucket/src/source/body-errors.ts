import { CseError } from '@oss-cse/crypto-core'

/** The error of what cannot be uploaded, found before anything is sent. */
export function invalidBody(why: string): CseError {
  return new CseError('ERR_CSE_INVALID_ARGUMENT', `Invalid body: ${why}.`)
}

/** The error of a stream of which nothing, or not all, is left. */
export function spentStream(): CseError {
  return invalidBody('the stream was read or closed before. Open a new one for each upload')
}

/** The error of a source that fails as it is read. */
export function sourceError(what: string, cause?: unknown): CseError {
  return new CseError('ERR_CSE_SOURCE', `The source of the upload ${what}.`, { cause })
}
