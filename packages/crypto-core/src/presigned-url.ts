import { CseError } from './errors.ts'

/**
 * Checks what can be checked of a presigned URL before a request.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` unless its protocol is `https:` or `http:`, and it has neither user name nor
 * password. The error does not contain the URL: it may hold a signature.
 */
export function checkPresignedUrl({ protocol, username, password }: URL): void {
  if (protocol !== 'https:' && protocol !== 'http:') {
    throw new CseError('ERR_CSE_INVALID_ARGUMENT', 'A presigned URL must start with https:// or http://.')
  }
  if (username !== '' || password !== '') {
    throw new CseError(
      'ERR_CSE_INVALID_ARGUMENT',
      'A presigned URL must not contain a user name or a password.',
    )
  }
}
