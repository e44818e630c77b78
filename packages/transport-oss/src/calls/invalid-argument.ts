import { CseError } from '@oss-cse/crypto-core'

/** The error of a request with an invalid argument. */
export function invalidArgument(message: string, objectKey?: string): CseError {
  return new CseError('ERR_CSE_INVALID_ARGUMENT', message, objectKey === undefined ? {} : { objectKey })
}
