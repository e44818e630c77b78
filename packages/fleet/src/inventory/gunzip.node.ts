import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'

/**
 * Decompresses a gzip file. It may have several members, one after the other, as some writers make them. Reads no more than it
 * needs, and ends the iteration of the chunks in any case.
 *
 * @throws Error for what is not gzip, is cut off, or has anything but members; what the chunks throw
 */
export async function* gunzip(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  let sizeBytes = 0
  async function* counted(): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of chunks) {
      sizeBytes += chunk.length
      yield chunk
    }
  }
  // An error of any of the two is thrown by the iteration.
  const decompressed = pipeline(counted(), createGunzip(), () => {})
  for await (const chunk of decompressed) yield chunk
  // Node.js takes zeros after a member for padding, and ends there without an error, whatever comes after them.
  if (decompressed.bytesWritten !== sizeBytes)
    throw new Error('There are bytes after the end of the gzip data.')
}
