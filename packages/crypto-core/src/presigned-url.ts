import { CseError } from './errors.ts'

/**
 * Parses a presigned URL and checks what can be checked before a request.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` unless its protocol is `https:` or `http:`, and it has neither user name nor
 * password. The error does not contain the URL: it may hold a signature.
 */
export function checkedPresignedUrl(url: string | URL): URL {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed?.protocol !== 'https:' && parsed?.protocol !== 'http:') {
    throw new CseError('ERR_CSE_INVALID_ARGUMENT', 'A presigned URL must start with https:// or http://.')
  }
  if (parsed.username !== '' || parsed.password !== '') {
    throw new CseError(
      'ERR_CSE_INVALID_ARGUMENT',
      'A presigned URL must not contain a user name or a password.',
    )
  }
  return parsed
}
