import { CseError } from '@oss-cse/crypto-core'
import { readStream } from './read-stream.ts'

/** The errors of a file that is no longer what was selected. Firefox has the second one. Nothing here aborts a read. */
const UNREADABLE: ReadonlySet<string> = new Set(['NotReadableError', 'AbortError'])

/**
 * Reads a Blob. As a stream: slices of it, one after another, take several times as long.
 *
 * @throws CseError `ERR_CSE_SOURCE_CHANGED` when the file behind the Blob changed since the user selected it. Whatever else
 * the runtime throws
 */
export async function* readBlob(blob: Blob): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* readStream(blob.stream())
  } catch (failed) {
    const cause = await failureOf(blob, failed)
    if (!(cause instanceof DOMException && UNREADABLE.has(cause.name))) throw cause
    throw new CseError(
      'ERR_CSE_SOURCE_CHANGED',
      'The file changed since it was selected, or can no longer be read. Nothing was stored: select it again.',
      { cause },
    )
  }
}

/** Why a Blob cannot be read. The error of its stream does not say that. */
async function failureOf(blob: Blob, failed: unknown): Promise<unknown> {
  try {
    await blob.slice(0, 1).arrayBuffer()
    return failed
  } catch (cause) {
    return cause
  }
}
