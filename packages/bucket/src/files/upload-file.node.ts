import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { resolve } from 'node:path'
import { CseError } from '@oss-cse/crypto-core'
import type { CryptoBucket } from '../crypto-bucket.ts'
import type { UploadOptions, UploadResult } from '../resume/resumable-upload.ts'
import { type SizedSource, wholeBody } from '../source/sized-source.ts'
import type { PutOptions } from '../write/put-object.ts'
import type { PutResult } from '../write/put-result.ts'
import { readFileRange } from './temporary-file.node.ts'

/**
 * Encrypts and uploads a file: a small one with one put, a large one in parts, several in parallel. With a
 * `checkpointStore`, a call with the same arguments resumes an interrupted upload, even in another process, and sends
 * only what is missing.
 *
 * @param path - a regular file. A file that has content although its file system reports none (procfs) is uploaded as a
 * stream
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` before any request when there is no such file; `ERR_CSE_THREAD` when the
 * thread that encrypts a large file ends, and the next one too; `ERR_CSE_SOURCE_CHANGED` when the file changes during
 * the upload; `ERR_CSE_SOURCE` when its length differs from what its file system reports; otherwise as
 * `CryptoBucket.upload`.
 *
 * @example
 * ```ts
 * await uploadFile(bucket, 'backups/db.tar', '/var/backups/db.tar', { checkpointStore: new FileCheckpointStore() })
 * ```
 */
export async function uploadFile(
  bucket: CryptoBucket,
  key: string,
  path: string,
  options: UploadOptions = {},
): Promise<UploadResult> {
  return withFile(path, async (source) => {
    if ('sizeBytes' in source) return bucket.upload(key, source, options)
    const { metadata, contentType, contentMd5, headers, onProgress, signal, deadlineMs } = options
    const put = { metadata, contentType, contentMd5, headers, onProgress, signal, deadlineMs }
    return { ...(await bucket.put(key, source, put)), resumedBytes: 0 }
  })
}

/**
 * Encrypts and uploads a file of at most 5 GB in one request. Retries under a new key if the service or the network
 * fails.
 *
 * @param path - a regular file, as for `uploadFile`
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` before any request when there is no such file; `ERR_CSE_SOURCE_CHANGED`
 * when the file changes during the upload; `ERR_CSE_SOURCE` when its length changes; otherwise as `CryptoBucket.put`.
 *
 * @example
 * ```ts
 * await putFile(bucket, 'report.pdf', './report.pdf', { metadata: { author: 'ops' } })
 * ```
 */
export async function putFile(
  bucket: CryptoBucket,
  key: string,
  path: string,
  options: Omit<PutOptions, 'sizeBytes'> = {},
): Promise<PutResult> {
  return withFile(path, (source) => {
    if (!('sizeBytes' in source)) return bucket.put(key, source, options)
    return bucket.put(key, wholeBody(source), options)
  })
}

async function withFile<Result>(
  path: string,
  use: (source: SizedSource | UnsizedSource) => Promise<Result>,
): Promise<Result> {
  // Non-blocking: opening a named pipe would wait. It is refused below.
  const flags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)
  const file = await open(path, flags).catch((cause: unknown) => {
    throw new CseError('ERR_CSE_INVALID_ARGUMENT', `${path} cannot be read.`, { cause })
  })
  try {
    return await use(await fileSource(path, file))
  } finally {
    await file.close()
  }
}

/** A file that has content although its file system reports none. Its length is known only after reading it. */
type UnsizedSource = { open(): AsyncIterable<Uint8Array> }

async function fileSource(path: string, file: FileHandle): Promise<SizedSource | UnsizedSource> {
  const found = await file.stat()
  if (!found.isFile()) throw new CseError('ERR_CSE_INVALID_ARGUMENT', `${path} is not a regular file.`)
  // procfs has such files, and some FUSE mounts.
  if (found.size === 0 && (await hasByteAt(path, file, 0))) {
    return { open: () => readFileRange(file, 0, Number.POSITIVE_INFINITY) }
  }
  return {
    sizeBytes: found.size,
    identity: resolve(path),
    open: (offsetBytes, sizeBytes) => readFileRange(file, offsetBytes, sizeBytes),
    file: { fd: file.fd, sizeBytes: found.size },
    async fingerprint() {
      const { size, mtimeNs } = await file.stat({ bigint: true })
      if (size !== BigInt(found.size)) {
        throw new CseError(
          'ERR_CSE_SOURCE_CHANGED',
          `${path} changed its length from ${found.size} to ${size} bytes while it was being uploaded. Nothing was stored.`,
        )
      }
      if (await hasByteAt(path, file, found.size)) {
        throw new CseError(
          'ERR_CSE_SOURCE',
          `${path} has more than the ${found.size} bytes that its file system reports. Nothing was stored.`,
        )
      }
      return `${size} bytes, modified ${mtimeNs}`
    },
    async changeMark() {
      // The change time also changes when a process resets the modification time, and when the file is renamed.
      return String((await file.stat({ bigint: true })).ctimeNs)
    },
  }
}

/** Returns whether the file has a byte at this offset, whatever length the file system reports. */
async function hasByteAt(path: string, file: FileHandle, offsetBytes: number): Promise<boolean> {
  try {
    const { bytesRead } = await file.read(new Uint8Array(1), 0, 1, offsetBytes)
    return bytesRead > 0
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new CseError('ERR_CSE_SOURCE', `${path} cannot be read (${code}). Nothing was stored.`, { cause })
  }
}
