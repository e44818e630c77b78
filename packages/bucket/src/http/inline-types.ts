import { CseError } from '@oss-cse/crypto-core'

/** The media types that are shown in a page by default: images, sound, films and their subtitles. None can run a script. */
export const MEDIA_TYPES: readonly string[] = [
  'application/ogg',
  'audio/aac',
  'audio/flac',
  'audio/mp4',
  'audio/mpeg',
  'audio/ogg',
  'audio/wav',
  'audio/wave',
  'audio/webm',
  'audio/x-flac',
  'audio/x-m4a',
  'audio/x-wav',
  'image/apng',
  'image/avif',
  'image/bmp',
  'image/gif',
  'image/heic',
  'image/heif',
  'image/jpeg',
  'image/jxl',
  'image/png',
  'image/vnd.microsoft.icon',
  'image/webp',
  'image/x-icon',
  'text/vtt',
  'video/mp4',
  'video/mpeg',
  'video/ogg',
  'video/quicktime',
  'video/webm',
  'video/x-m4v',
  'video/x-matroska',
]

const MEDIA_TYPE = /^[a-z0-9][a-z0-9!#$&^_.+-]*\/[a-z0-9][a-z0-9!#$&^_.+-]*$/
/** Types that a browser renders as a document with scripts, or runs, or applies to a page. */
const ACTIVE_TYPE = /html|xml|svg|script|css|wasm/
const CHARSET = /^[^,]*;\s*charset\s*=\s*"?([\w-]{1,40})"?\s*$/i

/**
 * Checks the types that a caller wants to show in a page.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for what is not a media type in lower case, and for a type that a browser runs
 */
export function checkInlineTypes(types: readonly string[]): void {
  for (const type of types) {
    if (typeof type !== 'string' || !MEDIA_TYPE.test(type))
      throw invalid(`${JSON.stringify(type)} is not a media type in lower case, such as 'image/png'`)
    if (ACTIVE_TYPE.test(type))
      throw invalid(`${type} can run in a page, so anyone who may write an object could attack its users`)
  }
}

/**
 * The media type of an object that may be shown in a page.
 *
 * @param header - the Content-Type of the object. Of its parameters only the charset is kept: browsers read some
 * malformed parameters as another type
 * @returns undefined if it may not: then it is only bytes
 */
export function inlineType(header: string, types: readonly string[]): string | undefined {
  const [essence = ''] = header.split(';', 1)
  const type = essence.trim().toLowerCase()
  if (!types.includes(type)) return undefined
  const charset = CHARSET.exec(header)?.[1]
  return charset === undefined ? type : `${type}; charset=${charset}`
}

function invalid(why: string): CseError {
  return new CseError('ERR_CSE_INVALID_ARGUMENT', `Invalid inlineTypes: ${why}.`)
}
