import { randomUUID } from 'node:crypto'
import type { BlobStore, BlobWriter, Extent } from './blob-store.ts'

/** Blobs in RAM, as lists of the chunks that arrived. */
export class MemoryBlobs implements BlobStore {
  readonly #blobs = new Map<string, readonly Uint8Array[]>()

  create(): Promise<BlobWriter> {
    const chunks: Uint8Array[] = []
    return Promise.resolve({
      write: (chunk) => {
        chunks.push(chunk)
        return undefined
      },
      finish: () => {
        const id = randomUUID()
        this.#blobs.set(id, chunks)
        return Promise.resolve(id)
      },
      abort: () => Promise.resolve(),
    })
  }

  async *read(extent: Extent): AsyncGenerator<Uint8Array> {
    let skip = extent.start
    let wanted = extent.sizeBytes
    for (const chunk of this.#blobs.get(extent.blob) ?? []) {
      if (wanted <= 0) return
      if (skip >= chunk.length) {
        skip -= chunk.length
        continue
      }
      const piece = chunk.subarray(skip, skip + wanted)
      skip = 0
      wanted -= piece.length
      yield piece
    }
  }

  remove(blob: string): void {
    this.#blobs.delete(blob)
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}
