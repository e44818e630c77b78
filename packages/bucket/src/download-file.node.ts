import { randomUUID } from 'node:crypto'
import { type FileHandle, open, realpath, rename, stat, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CseError } from '@oss-cse/crypto-core'
import type { CryptoBucket } from './crypto-bucket.ts'
import type { GetOptions, GetResult } from './get-object.ts'

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
  return writeFileWhole(path, async (file) => {
    const { body, ...result } = await bucket.get(key, options)
    for await (const chunk of body) await writeFully(file, chunk)
    return result
  })
}

/** Runs `write` on a temporary file and renames it to `path` when that succeeds; removes it when it fails. */
async function writeFileWhole<Result>(
  path: string,
  write: (file: FileHandle) => Promise<Result>,
): Promise<Result> {
  // What a link names is replaced, not the link.
  const target = await realpath(path).catch(() => path)
  const replaced = await stat(target).catch(() => undefined)
  if (replaced !== undefined && !replaced.isFile()) {
    throw new CseError('ERR_CSE_INVALID_ARGUMENT', `${path} is not a regular file: it cannot be replaced.`)
  }
  const temporary = join(dirname(target), `.oss-cse-${randomUUID()}.part`)
  const file = await open(temporary, 'wx').catch((cause: unknown) => {
    throw new CseError('ERR_CSE_INVALID_ARGUMENT', `${path} cannot be written.`, { cause })
  })
  try {
    let result: Result
    try {
      if (replaced !== undefined) await file.chmod(replaced.mode)
      result = await write(file)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, target)
    return result
  } catch (error) {
    await unlink(temporary).catch(() => {})
    throw error
  }
}

async function writeFully(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let offset = 0; offset < chunk.length; ) {
    offset += (await file.write(chunk, offset)).bytesWritten
  }
}
