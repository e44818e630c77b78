import { freeBytes } from '@oss-cse/crypto-core/internal'

/** The number of bytes that waiting buffers may take. */
const MAX_FREE_BYTES = 4 * 1024 * 1024

/**
 * Buffers of one size that connections read into. A chunk is a part of a buffer that nobody else uses. Its buffer
 * comes back when the chunk is recycled. The buffer of a chunk that never is belongs to the reader of the chunk.
 */
export class ReadBuffers {
  readonly sizeBytes: number
  readonly #free: Buffer[] = []
  /** The memory of all buffers. */
  readonly #memory = new WeakSet<object>()
  readonly #lent = new WeakMap<Uint8Array, Buffer>()

  constructor(sizeBytes: number) {
    this.sizeBytes = sizeBytes
  }

  /** Returns a buffer that nobody else uses. */
  take(): Buffer {
    for (let free = this.#free.pop(); free !== undefined; free = this.#free.pop()) {
      // Anyone who recycled a chunk of it may still have transferred it.
      if (free.byteLength === this.sizeBytes) return free
    }
    const buffer = Buffer.allocUnsafeSlow(this.sizeBytes)
    this.#memory.add(buffer.buffer)
    return buffer
  }

  /** Takes back a buffer of which no chunk was made. */
  give(buffer: Buffer): void {
    // Its reader may have transferred it to another thread.
    if (buffer.byteLength !== this.sizeBytes) return
    if ((this.#free.length + 1) * this.sizeBytes <= MAX_FREE_BYTES) this.#free.push(buffer)
    else freeBytes(buffer)
  }

  /** Makes the first bytes of a buffer a chunk. The buffer is its reader's now. */
  lend(buffer: Buffer, length: number): Uint8Array {
    const chunk = buffer.subarray(0, length)
    this.#lent.set(chunk, buffer)
    return chunk
  }

  /** Takes back the buffer of a chunk, once. Frees a chunk that has memory of its own. */
  recycle(chunk: Uint8Array): void {
    const buffer = this.#lent.get(chunk)
    if (buffer !== undefined) {
      this.#lent.delete(chunk)
      this.give(buffer)
      // A chunk that comes back twice must not free what somebody else reads into now.
    } else if (!this.#memory.has(chunk.buffer)) freeBytes(chunk)
  }
}
