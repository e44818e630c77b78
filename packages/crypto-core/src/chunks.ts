/**
 * The minimum chunk size, in bytes, for the cipher and the checksum. Smaller chunks cost more per byte. The 64 KiB
 * chunks of a socket are large enough: joining them costs more, in copies and in garbage, than it saves.
 */
const CHUNK_BYTES: number = 32 * 1024

/**
 * Joins small chunks. Each result but the last has at least `minBytes`. A chunk that is large enough is not copied. A
 * smaller one is copied at once, because its source may reuse the buffer. Less than `minBytes` are buffered.
 */
export async function* coalesceChunks(
  source: AsyncIterable<Uint8Array>,
  minBytes: number = CHUNK_BYTES,
): AsyncGenerator<Uint8Array, void, undefined> {
  const gathered = new Gathered(minBytes)
  for await (const chunk of source) {
    let rest = chunk
    while (rest.length > 0) {
      if (gathered.isEmpty && rest.length >= minBytes) {
        yield rest
        break
      }
      rest = gathered.add(rest)
      if (gathered.isFull) yield gathered.take()
    }
  }
  if (!gathered.isEmpty) yield gathered.take()
}

/**
 * Splits and joins chunks. Each result but the last has exactly `sizeBytes`. A run of that length inside one chunk is
 * not copied. All other bytes are copied at once.
 */
export async function* exactChunks(
  source: AsyncIterable<Uint8Array>,
  sizeBytes: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const gathered = new Gathered(sizeBytes)
  for await (const chunk of source) {
    let rest = chunk
    while (rest.length > 0) {
      if (gathered.isEmpty && rest.length >= sizeBytes) {
        yield rest.subarray(0, sizeBytes)
        rest = rest.subarray(sizeBytes)
        continue
      }
      rest = gathered.add(rest)
      if (gathered.isFull) yield gathered.take()
    }
  }
  if (!gathered.isEmpty) yield gathered.take()
}

/** A buffer that grows with its content, up to a maximum size. */
class Gathered {
  readonly #sizeBytes: number
  #buffer = new Uint8Array()
  #filled = 0

  constructor(sizeBytes: number) {
    this.#sizeBytes = sizeBytes
  }

  get isEmpty(): boolean {
    return this.#filled === 0
  }

  get isFull(): boolean {
    return this.#filled === this.#sizeBytes
  }

  /** Copies as much of a chunk as fits, and returns the rest. */
  add(chunk: Uint8Array): Uint8Array {
    const piece = chunk.subarray(0, this.#sizeBytes - this.#filled)
    const needed = this.#filled + piece.length
    if (needed > this.#buffer.length) {
      const larger = new Uint8Array(Math.min(this.#sizeBytes, Math.max(needed, 2 * this.#buffer.length)))
      larger.set(this.#buffer.subarray(0, this.#filled))
      this.#buffer = larger
    }
    this.#buffer.set(piece, this.#filled)
    this.#filled = needed
    return chunk.subarray(piece.length)
  }

  /** Returns the gathered bytes. The next bytes go into a new buffer. */
  take(): Uint8Array {
    const bytes = this.#buffer.subarray(0, this.#filled)
    this.#buffer = new Uint8Array()
    this.#filled = 0
    return bytes
  }
}
