import { CseError } from '@oss-cse/crypto-core'
import { readStream } from './read-stream.ts'

/**
 * Reads a Blob. As a stream: slices of it, one after another, take several times as long.
 *
 * @throws CseError `ERR_CSE_SOURCE_CHANGED` when the file behind the Blob changed since the user selected it. Whatever else
 * the runtime throws
 */
export async function* readBlob(blob: Blob): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* readStream(blob.stream())
  } catch (cause) {
    if (!(cause instanceof DOMException && cause.name === 'NotReadableError')) throw cause
    throw new CseError(
      'ERR_CSE_SOURCE_CHANGED',
      'The file changed since it was selected, or can no longer be read. Nothing was stored: select it again.',
      { cause },
    )
  }
}
