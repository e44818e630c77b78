import { orAborted } from '@oss-cse/crypto-core'
import type { CliOutput } from '../base/cli-environment.ts'
import { systemCode } from '../base/cli-error.ts'

/** The reader of our output has stopped reading, as `head` does. */
export class BrokenPipe extends Error {
  override readonly name: string = 'BrokenPipe'
}

/**
 * Writes to a stream and waits until it has accepted the bytes.
 *
 * @throws BrokenPipe when the reader has closed the pipe; the signal's reason when it aborts
 */
export async function writeChunk(
  stream: CliOutput,
  chunk: Uint8Array | string,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted()
  if (chunk.length === 0) return
  const written = new Promise<void>((resolve, reject) => {
    stream.write(chunk as string, (error) => {
      if (error)
        reject(isGone(error) ? new BrokenPipe('The reader has closed the pipe.', { cause: error }) : error)
      else resolve()
    })
  })
  await orAborted(written, signal)
}

/** Writes all chunks, one at a time. */
export async function writeChunks(
  stream: CliOutput,
  chunks: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  for await (const chunk of chunks) await writeChunk(stream, chunk, signal)
}

function isGone(error: Error): boolean {
  const code = systemCode(error)
  return code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED' || code === 'ERR_STREAM_WRITE_AFTER_END'
}
