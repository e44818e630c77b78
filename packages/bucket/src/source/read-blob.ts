/** How much of a Blob is read at a time, in bytes. */
const READ_BYTES = 1024 ** 2

/** Reads a Blob. A stream of the Blob would return the same bytes in smaller chunks, and takes longer. */
export async function* readBlob(blob: Blob): AsyncGenerator<Uint8Array, void, undefined> {
  for (let offset = 0; offset < blob.size; offset += READ_BYTES) {
    yield new Uint8Array(await blob.slice(offset, offset + READ_BYTES).arrayBuffer())
  }
}
