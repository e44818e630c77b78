import type { CryptoBucket } from '../crypto-bucket.ts'
import type { DownloadOptions, DownloadResult } from '../resume/resumable-download.ts'
import { invalidTarget, type WebDownloadTarget } from './file-target.web.ts'

/**
 * Downloads and decrypts an object into a target. A file has its final name, or its new content, only when everything has
 * arrived and is verified.
 *
 * A large object is downloaded in parts, several in parallel. With a `checkpointStore` and `opfsTarget`, a call with the
 * same arguments resumes an interrupted download, even after a reload, and fetches only what is missing. A range takes one
 * request, and so does a stream.
 *
 * @param target - `opfsTarget`, `fileHandleTarget`, or a stream. A stream gets the bytes as they arrive. It is closed after
 * they are verified, and aborted if they are not, or the download fails in any other way
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` before any request, when the target cannot be written; `ERR_CSE_FILE` when it
 * cannot be written later, for example for want of room; otherwise as `CryptoBucket.download`.
 *
 * @example
 * ```ts
 * await downloadFile(bucket, 'film.mp4', opfsTarget('film.mp4'), { checkpointStore: new IndexedDbCheckpointStore() })
 * ```
 */
export async function downloadFile(
  bucket: CryptoBucket,
  key: string,
  target: WebDownloadTarget | WritableStream<Uint8Array>,
  options: DownloadOptions = {},
): Promise<DownloadResult> {
  if ('getWriter' in target) return intoStream(bucket, key, target, options)
  options.signal?.throwIfAborted()
  await target.check()
  const { range, checkpointStore, ...whole } = options
  if (range !== undefined) return rangeInto(bucket, key, target, options)
  // A target without identity cannot be found again, and so never resumes.
  const store = target.identity === undefined ? undefined : checkpointStore
  return bucket.download(key, target, { ...whole, checkpointStore: store })
}

async function intoStream(
  bucket: CryptoBucket,
  key: string,
  stream: WritableStream<Uint8Array>,
  options: DownloadOptions,
): Promise<DownloadResult> {
  if (stream.locked) throw invalidTarget('The stream')
  try {
    const { body, ...result } = await bucket.get(key, options)
    await body.pipeTo(stream)
    return { ...result, resumedBytes: 0 }
  } catch (error) {
    // Also before the first byte: a file behind the stream would stay open.
    await stream.abort(error).catch(() => {})
    throw error
  }
}

async function rangeInto(
  bucket: CryptoBucket,
  key: string,
  target: WebDownloadTarget,
  options: DownloadOptions,
): Promise<DownloadResult> {
  try {
    const { body, ...result } = await bucket.get(key, options)
    await target.open(result.sizeBytes, false)
    let offset = 0
    for await (const chunk of body) {
      await target.write(chunk, offset)
      offset += chunk.length
    }
    await target.commit()
    return { ...result, resumedBytes: 0 }
  } catch (error) {
    await target.discard()
    throw error
  }
}
