/** Reads a Web stream, even where streams are not async-iterable. Stopping early cancels the stream. */
export async function* readStream(
  stream: ReadableStream<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = stream.getReader()
  let done = false
  try {
    for (;;) {
      const result = await reader.read()
      done = result.done
      if (result.done) return
      yield result.value
    }
  } finally {
    if (!done) await reader.cancel()
    reader.releaseLock()
  }
}
