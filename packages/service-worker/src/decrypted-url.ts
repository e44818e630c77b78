import { CseError } from '@oss-cse/crypto-core'

/** The path below which objects are served, relative to the scope of the worker. */
export const DEFAULT_PATH = 'cse/'

/** Options of the URL of an object. */
export interface DecryptedUrlOptions {
  /** The `path` of `serveDecrypted`. Default: `/cse/`, which is right for a worker whose scope is `/`. */
  readonly path?: string | undefined
  /** Makes the browser save the object under this name. Empty: under its own name. Default: not set. */
  readonly downloadName?: string | undefined
}

/**
 * The URL at which the service worker serves an object, for `src` and `href`. It contains nothing secret.
 *
 * @param key - the object's key; any character of it is kept
 * @returns the path and the query of the URL
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for a key that no URL can contain: `.`, `..`, an empty one, and one with half
 * of a character.
 *
 * @example
 * ```ts
 * video.src = decryptedUrl('films/holiday.mp4')
 * link.href = decryptedUrl('report.pdf', { downloadName: 'Report.pdf' })
 * ```
 */
export function decryptedUrl(key: string, options: DecryptedUrlOptions = {}): string {
  const { path = `/${DEFAULT_PATH}`, downloadName } = options
  // Browsers take each of these for a folder, in any encoding.
  if (/^\.{0,2}$/.test(key)) throw invalid(key)
  const query = downloadName === undefined ? '' : `?download=${encoded(downloadName)}`
  // The slashes too: a part of a key may be `..`.
  return checkedPath(path) + encoded(key) + query
}

/**
 * Checks a path below which objects are served.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT`
 */
export function checkedPath(path: string): string {
  if (typeof path === 'string' && /^\/(?:[^/]+\/)*$/.test(path) && pathOf(path) === path) return path
  throw new CseError(
    'ERR_CSE_INVALID_ARGUMENT',
    `path must begin and end with a slash, and be written as in a URL, such as '/cse/', not ${JSON.stringify(path)}.`,
  )
}

function pathOf(path: string): string {
  return new URL(path, 'https://host.invalid').pathname
}

function encoded(text: string): string {
  try {
    return encodeURIComponent(text)
  } catch {
    throw invalid(text)
  }
}

function invalid(text: string): CseError {
  return new CseError('ERR_CSE_INVALID_ARGUMENT', `No URL of an object can contain ${JSON.stringify(text)}.`)
}
