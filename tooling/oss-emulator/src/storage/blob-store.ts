/** A range of bytes of one blob. The content of an object is a list of extents, so parts are never copied. */
export interface Extent {
  readonly blob: string
  readonly start: number
  readonly sizeBytes: number
}

/** Writes a new blob. Nothing refers to it until `finish` has resolved. */
export interface BlobWriter {
  /**
   * Takes ownership of a chunk: the caller must not change it afterwards.
   *
   * @returns a promise if the caller must wait before it writes the next chunk
   */
  write(chunk: Uint8Array): Promise<void> | undefined
  /** Waits until all bytes are stored. Resolves to the id of the blob. */
  finish(): Promise<string>
  /** Discards the bytes. */
  abort(): Promise<void>
}

/** Stores the bytes of objects and parts. */
export interface BlobStore {
  create(): Promise<BlobWriter>
  /** Reads one extent. A chunk is valid only until the next one is requested, because its buffer is reused. */
  read(extent: Extent): AsyncIterable<Uint8Array>
  /** Removes a blob in the background. */
  remove(blob: string): void
  /** Waits for the removals in the background. */
  close(): Promise<void>
}

/** Returns the part of a list of extents that starts at `start` and has `sizeBytes` bytes. */
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
