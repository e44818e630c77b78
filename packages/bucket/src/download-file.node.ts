import type { CryptoBucket } from './crypto-bucket.ts'
import type { GetOptions, GetResult } from './get-object.ts'
import { replaceFile } from './replace-file.node.ts'

/** What came of a download: the object's description, its bytes by now in the file. */
export type DownloadResult = Omit<GetResult, 'body'>

/**
 * Downloads and decrypts an object, or a range of it, into a file: under a temporary name beside it, renamed only
 * when everything has arrived, was verified and is on disk. A failure leaves no file, or the old one.
 *
 * @param path - the file to make or replace
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when the file cannot be made there, before any request; otherwise
 * as `CryptoBucket.get`, and `ERR_CSE_INTEGRITY`.
 *
 * @example
 * ```ts
 * await downloadFile(bucket, 'backups/db.tar', './db.tar')
 * ```
 */
export async function downloadFile(
  bucket: CryptoBucket,
  key: string,
  path: string,
  options: GetOptions = {},
): Promise<DownloadResult> {
  return replaceFile(path, async (append) => {
    const { body, ...result } = await bucket.get(key, options)
    for await (const chunk of body) await append(chunk)
    return result
  })
}
