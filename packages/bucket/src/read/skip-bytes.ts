/** Drops a stream's first bytes: what an answer holds before the wanted ones. Gives no empty chunk. */
export async function* skipBytes(
  chunks: AsyncIterable<Uint8Array>,
  discardBytes: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let discard = discardBytes
  for await (const chunk of chunks) {
    const wanted = chunk.subarray(discard)
    discard = Math.max(0, discard - chunk.length)
    if (wanted.length > 0) yield wanted
  }
}
