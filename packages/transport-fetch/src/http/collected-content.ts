import { CseError, orAborted } from '@oss-cse/crypto-core'
import type { UploadSource } from '@oss-cse/crypto-core/internal'

/** The most bytes of one request. They are in memory until the service has stored them. */
const MAX_CONTENT_BYTES = 64 * 1024 ** 2
const FIRST_BYTES = 64 * 1024

/**
 * Reads a whole body into memory. `fetch` sends no stream that every browser and server accepts, and a request that is
 * sent again must have the same bytes.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for a body that is too large, before it is read if it states its length;
 *   `ERR_CSE_SOURCE` as the source; the signal's reason
 */
export async function collectedContent(
  source: UploadSource,
  objectKey: string,
  signal: AbortSignal | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  const { sizeBytes } = source
  if (sizeBytes !== undefined && sizeBytes > MAX_CONTENT_BYTES) throw tooLarge(objectKey)
  let content = new Uint8Array()
  let filled = 0
  try {
    for (;;) {
      if (signal?.aborted) throw signal.reason
      const chunk = await orAborted(source.next(), signal)
      if (chunk === undefined) return content.subarray(0, filled)
      const needed = filled + chunk.length
      if (needed > MAX_CONTENT_BYTES) throw tooLarge(objectKey)
      if (chunk.length === sizeBytes && chunk.buffer instanceof ArrayBuffer) {
        // An encrypted part comes in one chunk. A copy of it would keep a page busy.
        content = chunk as Uint8Array<ArrayBuffer>
      } else {
        const room = sizeBytes ?? Math.max(FIRST_BYTES, 2 * content.length)
        if (needed > content.length) content = enlarged(content, Math.max(needed, room))
        content.set(chunk, filled)
        source.recycle(chunk)
      }
      filled = needed
    }
  } finally {
    source.stop()
  }
}

function enlarged(bytes: Uint8Array, sizeBytes: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(Math.min(sizeBytes, MAX_CONTENT_BYTES))
  larger.set(bytes)
  return larger
}

function tooLarge(objectKey: string): CseError {
  return new CseError(
    'ERR_CSE_INVALID_ARGUMENT',
    `The body of "${objectKey}" has more than ${MAX_CONTENT_BYTES} bytes, the most that this transport sends in one request. Use the bucket's upload, which sends parts, with a smaller partSizeBytes if you set one.`,
    { objectKey },
  )
}
