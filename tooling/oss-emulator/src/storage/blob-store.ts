/** A run of bytes of one stored blob. An object's content is a list of them, so parts are never copied. */
export interface Extent {
  readonly blob: string
  readonly start: number
  readonly sizeBytes: number
}

/** Takes the bytes of a new blob. Nothing refers to them until `finish` has resolved. */
export interface BlobWriter {
  /**
   * Takes a chunk and keeps it: the caller must not change it any more.
   *
   * @returns a promise when the caller has to wait before the next chunk
   */
  write(chunk: Uint8Array): Promise<void> | undefined
  /** Waits until all bytes are stored; resolves to the blob's id. */
  finish(): Promise<string>
  /** Forgets the bytes. */
  abort(): Promise<void>
}

/** Where the bytes are. */
export interface BlobStore {
  create(): Promise<BlobWriter>
  /** The bytes of one extent. A chunk is valid only until the next one is asked for: its buffer is used again. */
  read(extent: Extent): AsyncIterable<Uint8Array>
  /** Forgets a blob, in the background. */
  remove(blob: string): void
  /** Waits for what goes on in the background. */
  close(): Promise<void>
}

/** The part of a list of extents that starts at `start` and has `sizeBytes` bytes. */
export function sliceExtents(extents: readonly Extent[], start: number, sizeBytes: number): Extent[] {
  const slice: Extent[] = []
  let skip = start
  let wanted = sizeBytes
  for (const extent of extents) {
    if (wanted <= 0) break
    if (skip >= extent.sizeBytes) {
      skip -= extent.sizeBytes
      continue
    }
    const take = Math.min(extent.sizeBytes - skip, wanted)
    slice.push({ blob: extent.blob, start: extent.start + skip, sizeBytes: take })
    wanted -= take
    skip = 0
  }
  return slice
}
