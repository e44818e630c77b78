import { usageError } from '../base/cli-error.ts'
import { isDots, lastSegment } from './last-segment.ts'

/** A bucket, and a key or prefix in it, which may be empty. */
export interface OssUrl {
  readonly bucket: string
  readonly key: string
}

const OSS_URL = /^oss:\/\/([^/]*)(?:\/(.*))?$/s
const BUCKET_NAME = /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/

/** Tells whether an argument means an object or bucket and not a local file. */
export function isOssUrl(text: string): boolean {
  return text.startsWith('oss://')
}

/**
 * Parses `oss://BUCKET/KEY`. The key stands as it is, nothing is percent-decoded.
 *
 * @throws CliError of kind `usage`
 */
export function parseObjectUrl(text: string): OssUrl {
  const url = parseOssUrl(text)
  if (url.key === '') throw usageError(`${JSON.stringify(text)} names no object: write oss://BUCKET/KEY.`)
  return url
}

/**
 * Parses the address of an object that is read into a file or made.
 *
 * @throws CliError of kind `usage` as `parseObjectUrl`, and for a key that ends in `.` or `..`: it could not be a file's
 * name, nor would it arrive as it is
 */
export function parseFileUrl(text: string): OssUrl {
  return checkedName(parseObjectUrl(text), text)
}

/**
 * Parses the address of an object that is to be made. A bucket alone, or a key that ends with a slash, means a directory,
 * and gets the base name of what goes there.
 *
 * @param baseName - `undefined` for what has no name
 * @throws CliError of kind `usage`
 */
export function parseTargetUrl(text: string, baseName: string | undefined): OssUrl {
  const url = parseOssUrl(text)
  if (url.key !== '' && !url.key.endsWith('/')) return checkedName(url, text)
  if (baseName === undefined || baseName === '') {
    throw usageError(
      `${JSON.stringify(text)} names a directory, and what goes there has no name: write oss://BUCKET/KEY.`,
    )
  }
  return checkedName({ ...url, key: `${url.key}${baseName}` }, text)
}

function checkedName(url: OssUrl, text: string): OssUrl {
  const name = lastSegment(url.key)
  if (isDots(name))
    throw usageError(`${JSON.stringify(text)} gives an object the name ${name}, which means a directory.`)
  return url
}

/**
 * Parses `oss://BUCKET` or `oss://BUCKET/PREFIX`.
 *
 * @throws CliError of kind `usage`
 */
export function parseOssUrl(text: string): OssUrl {
  const [, bucket = '', key = ''] = OSS_URL.exec(text) ?? []
  if (bucket === '') throw usageError(`${JSON.stringify(text)} is not of the form oss://BUCKET/KEY.`)
  checkBucketName(bucket)
  return { bucket, key }
}

/**
 * Parses `oss://BUCKET/PREFIX` of a command that works on everything behind it: a whole bucket needs the slash.
 *
 * @param deed - what the command would do to everything in the bucket
 * @throws CliError of kind `usage`
 */
export function parsePrefixUrl(text: string, deed: string): OssUrl {
  const url = parseOssUrl(text)
  if (url.key !== '' || text.endsWith('/')) return url
  throw usageError(`${text}/ would ${deed} in the bucket; write the slash if that is what you want.`)
}

/**
 * Refuses what no bucket is called.
 *
 * @throws CliError of kind `usage`
 */
export function checkBucketName(bucket: string): void {
  if (BUCKET_NAME.test(bucket)) return
  throw usageError(
    `${JSON.stringify(bucket)} cannot be a bucket's name: that is 3 to 63 lower-case letters, digits and hyphens.`,
  )
}

/** The text of an address. */
export function formatOssUrl({ bucket, key }: OssUrl): string {
  return `oss://${bucket}/${key}`
}
