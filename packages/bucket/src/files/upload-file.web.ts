import { CseError } from '@oss-cse/crypto-core'
import type { CryptoBucket } from '../crypto-bucket.ts'
import type { UploadOptions, UploadResult } from '../resume/resumable-upload.ts'
import { readBlob } from '../source/read-blob.ts'
import type { SizedSource } from '../source/sized-source.ts'

/**
 * Encrypts and uploads a file: a small one with one put, a large one in parts, several in parallel. A worker of the page
 * encrypts the parts.
 *
 * With a `checkpointStore`, a call with the same arguments resumes an interrupted upload, even after a reload, and sends
 * only what is missing. The user selects the file again then, or the page keeps a `FileSystemFileHandle` in IndexedDB. The
 * file is known by its name and its path below a selected directory.
 *
 * @param file - a `File`, a `FileSystemFileHandle`, or a `Blob`. A Blob without a name is known by the object's key alone
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` before any request when the handle cannot be read; `ERR_CSE_SOURCE_CHANGED`
 * when the file changed since it was selected, or during the upload; otherwise as `CryptoBucket.upload`.
 *
 * @example
 * ```ts
 * const checkpointStore = new IndexedDbCheckpointStore()
 * await uploadFile(bucket, `photos/${file.name}`, file, { checkpointStore, contentType: file.type })
 * ```
 */
export async function uploadFile(
  bucket: CryptoBucket,
  key: string,
  file: Blob | FileSystemFileHandle,
  options: UploadOptions = {},
): Promise<UploadResult> {
  options.signal?.throwIfAborted()
  return bucket.upload(key, await fileSource(file), options)
}

async function fileSource(input: Blob | FileSystemFileHandle): Promise<SizedSource> {
  if (isBlob(input)) return blobSource(input, () => input)
  if (typeof input !== 'object' || input === null || input.kind !== 'file') {
    throw new CseError(
      'ERR_CSE_INVALID_ARGUMENT',
      'uploadFile takes a File, a Blob or the FileSystemFileHandle of a file.',
    )
  }
  const file = await input.getFile().catch((cause: unknown) => {
    throw new CseError('ERR_CSE_INVALID_ARGUMENT', `${input.name} cannot be read.`, { cause })
  })
  return blobSource(file, () => input.getFile())
}

/** @param now - returns the file as it is now */
function blobSource(blob: Blob | File, now: () => Blob | Promise<Blob>): SizedSource {
  return {
    sizeBytes: blob.size,
    identity: identityOf(blob),
    open: (offsetBytes, sizeBytes) => readBlob(blob.slice(offsetBytes, offsetBytes + sizeBytes)),
    blob,
    async fingerprint() {
      const current = await now()
      const modified = 'lastModified' in current ? `, modified ${current.lastModified}` : ''
      return `${current.size} bytes${modified}`
    },
  }
}

/**
 * Its size and time are not part of it: an upload of the file as it was before would never be found again, and its parts
 * would stay on the service.
 */
function identityOf(blob: Blob | File): string | undefined {
  return 'name' in blob ? JSON.stringify([blob.name, blob.webkitRelativePath]) : undefined
}

function isBlob(input: unknown): input is Blob {
  return typeof input === 'object' && input !== null && 'arrayBuffer' in input && 'stream' in input
}
