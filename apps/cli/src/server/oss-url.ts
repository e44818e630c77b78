import { usageError } from '../base/cli-error.ts'
import { isDots, lastSegment } from './last-segment.ts'

/** A bucket, and a key or prefix in it, which may be empty. */
export interface OssUrl {
  readonly bucket: string
  readonly key: string
}

const OSS_URL = /^oss:\/\/([^/]*)(?:\/(.*))?$/s
const BUCKET_NAME = /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/

/** Whether an argument means an object or bucket and not a local file. */
export function isOssUrl(text: string): boolean {
  return text.startsWith('oss://')
}

/**
 * Parses `oss://BUCKET/KEY`. The key is taken as it is, without percent-decoding.
 *
 * @throws CliError of kind `usage`
 */
export function parseObjectUrl(text: string): OssUrl {
  const url = parseOssUrl(text)
  if (url.key === '') throw usageError(`${JSON.stringify(text)} names no object. Write oss://BUCKET/KEY.`)
  return url
}

/**
 * Parses the URL of an object that is read into a file.
 *
 * @throws CliError of kind `usage` as `parseObjectUrl`, and for a key that ends in `.` or `..`: it is not a file name,
 * and HTTP clients change it
 */
export function parseFileUrl(text: string): OssUrl {
  return checkedName(parseObjectUrl(text), text)
}

/**
 * Parses the URL of an object that is created. Only a bucket, or a key that ends with a slash, means a directory: the
 * base name of the source is added.
 *
 * @param baseName - `undefined` for a source without a name
 * @throws CliError of kind `usage`
 */
export function parseTargetUrl(text: string, baseName: string | undefined): OssUrl {
  const url = parseOssUrl(text)
  if (url.key !== '' && !url.key.endsWith('/')) return checkedName(url, text)
  if (baseName === undefined || baseName === '') {
    throw usageError(
      `${JSON.stringify(text)} names a directory, and the source has no name to add. Write oss://BUCKET/KEY.`,
    )
  }
  return checkedName({ ...url, key: `${url.key}${baseName}` }, text)
}

function checkedName(url: OssUrl, text: string): OssUrl {
  const name = lastSegment(url.key)
  if (isDots(name))
    throw usageError(
      `${JSON.stringify(text)} ends in the name ${name}, which means a directory. Choose another name.`,
    )
  return url
}

/**
 * Parses `oss://BUCKET` or `oss://BUCKET/PREFIX`.
 *
 * @throws CliError of kind `usage`
 */
export function parseOssUrl(text: string): OssUrl {
  const [, bucket = '', key = ''] = OSS_URL.exec(text) ?? []
  if (bucket === '') throw usageError(`${JSON.stringify(text)} is not a URL of OSS. Write oss://BUCKET/KEY.`)
  checkBucketName(bucket)
  return { bucket, key }
}

/**
 * Parses `oss://BUCKET/PREFIX` of a command that affects every key with this prefix. A whole bucket needs the slash.
 *
 * @param deed - what the command would do in the whole bucket, as `delete everything`
 * @throws CliError of kind `usage`
 */
export function parsePrefixUrl(text: string, deed: string): OssUrl {
  const url = parseOssUrl(text)
  if (url.key !== '' || text.endsWith('/')) return url
  throw usageError(`${text} is a whole bucket. To ${deed} in it, write ${text}/.`)
}

/**
 * Refuses an invalid bucket name.
 *
 * @throws CliError of kind `usage`
 */
export function checkBucketName(bucket: string): void {
  if (BUCKET_NAME.test(bucket)) return
  throw usageError(
    `${JSON.stringify(bucket)} is not a valid bucket name. Use 3 to 63 lower-case letters, digits and hyphens.`,
  )
}

/** Formats an OSS URL. */
export function formatOssUrl({ bucket, key }: OssUrl): string {
  return `oss://${bucket}/${key}`
}
