import { CseError } from './errors.ts'

const MAX_KEY_BYTES = 1023
const LONE_SURROGATE = /\p{Surrogate}/u

/**
 * Rejects a key that the service would refuse, or that could change on its way.
 *
 * ali-oss removes leading slashes silently (ali-oss 6.23 lib/object.js `_objectName`). HTTP clients and proxies
 * resolve `.` and `..` segments after the request was signed.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT`
 */
export function checkObjectKey(key: string): void {
  const problem = problemOf(key)
  if (problem === undefined) return
  throw new CseError(
    'ERR_CSE_INVALID_ARGUMENT',
    `The object key ${JSON.stringify(key)} cannot be used: ${problem}.`,
    typeof key === 'string' ? { objectKey: key } : {},
  )
}

function problemOf(key: string): string | undefined {
  if (typeof key !== 'string') return 'it is not a string'
  if (key === '') return 'it is empty'
  if (key.startsWith('/') || key.startsWith('\\')) return 'it starts with a slash or a backslash; remove it'
  if (LONE_SURROGATE.test(key)) return 'it contains half of a surrogate pair, which UTF-8 cannot encode'
  if (key.split('/').some((segment) => segment === '.' || segment === '..')) {
    return 'it has a "." or ".." segment, which HTTP clients and proxies resolve'
  }
  const bytes = new TextEncoder().encode(key).byteLength
  if (bytes > MAX_KEY_BYTES) return `it has ${bytes} bytes in UTF-8; at most ${MAX_KEY_BYTES} are allowed`
  return undefined
}
