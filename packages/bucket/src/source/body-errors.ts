import { CseError } from '@oss-cse/crypto-core'

/** The error of a body that cannot be uploaded, found before any request. */
export function invalidBody(why: string): CseError {
  return new CseError('ERR_CSE_INVALID_ARGUMENT', `Invalid body: ${why}.`)
}

/** The error of a stream that was read before, in whole or in part. */
export function spentStream(): CseError {
  return invalidBody('the stream was read or closed before. Open a new one for each upload')
}

/** The error of a source that fails while it is read. */
export function sourceError(what: string, cause?: unknown): CseError {
  return new CseError('ERR_CSE_SOURCE', `The source of the upload ${what}.`, { cause })
}
