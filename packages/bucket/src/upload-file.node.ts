import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { CseError } from '@oss-cse/crypto-core'
import type { CryptoBucket } from './crypto-bucket.ts'
import type { PutOptions, PutResult } from './put-object.ts'

/** How much of a file is read at a time, in bytes. */
const READ_BYTES = 1024 * 1024

/**
 * Encrypts and uploads a file, in constant memory. A failed attempt reads the file again, under a fresh content
 * key.
 *
 * @param path - a regular file
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` before any request when there is no such file; otherwise as
 * `CryptoBucket.put`. A file that changes its length meanwhile fails with `ERR_CSE_SOURCE`.
 *
 * @example
 * ```ts
 * await uploadFile(bucket, 'backups/db.tar', '/var/backups/db.tar')
 * ```
 */
export async function uploadFile(
  bucket: CryptoBucket,
  key: string,
  path: string,
  options: Omit<PutOptions, 'sizeBytes'> = {},
): Promise<PutResult> {
  const file = await stat(path).catch((cause: unknown) => {
    throw new CseError('ERR_CSE_INVALID_ARGUMENT', `${path} cannot be read.`, { cause })
  })
  if (!file.isFile()) throw new CseError('ERR_CSE_INVALID_ARGUMENT', `${path} is not a regular file.`)
  const source = {
    sizeBytes: file.size,
    open: (): AsyncIterable<Uint8Array> => createReadStream(path, { highWaterMark: READ_BYTES }),
  }
  return bucket.put(key, source, options)
}
