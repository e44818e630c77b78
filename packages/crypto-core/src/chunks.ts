/**
 * The smallest and the largest chunk, in bytes, for the cipher and the checksum. Smaller chunks cost more per byte, and
 * larger ones more memory. The 64 KiB chunks of a socket are large enough: joining them costs more, in copies and in
 * garbage, than it saves.
 */
const MIN_CHUNK_BYTES: number = 32 * 1024
const MAX_CHUNK_BYTES: number = 256 * 1024

/** Limits of the chunks that a `ChunkSizer` returns. */
interface ChunkSizerOptions {
  /** Every chunk but the last has at least this many bytes. Default 32 KiB. */
  readonly minBytes?: number | undefined
  /** No chunk has more bytes. Default 256 KiB. */
  readonly maxBytes?: number | undefined
  /** True: a joined chunk is valid only until the next call, because its memory is used again. Default false. */
  readonly reuse?: boolean | undefined
}

/**
 * Joins small chunks and cuts large ones. Bytes of a chunk that is large enough are not copied. All other bytes are
 * copied at once, because their source may reuse its buffer.
 */
export class ChunkSizer {
  readonly #maxBytes: number
  readonly #gathered: Gathered

  constructor({
    minBytes = MIN_CHUNK_BYTES,
    maxBytes = MAX_CHUNK_BYTES,
    reuse = false,
  }: ChunkSizerOptions = {}) {
    this.#maxBytes = maxBytes
    this.#gathered = new Gathered(minBytes, reuse)
  }

  /**
   * Takes the next chunk, and returns the chunks that are complete now.
   *
   * @throws {TypeError} if the buffer of the chunk is detached before all its bytes were returned
   */
  *push(chunk: Uint8Array): Generator<Uint8Array, void, undefined> {
    const gathered = this.#gathered
    let rest = chunk
    let left = chunk.length
    while (left > 0) {
      // An array whose buffer was detached is empty. The bytes would be missing, and nobody would notice.
      if (rest.length !== left) throw new TypeError('A chunk was detached while its bytes were read.')
      if (!gathered.isEmpty || left < gathered.sizeBytes) {
        rest = gathered.add(rest)
        left = rest.length
        if (gathered.isFull) yield gathered.take()
        continue
      }
      const piece = left <= this.#maxBytes ? rest : rest.subarray(0, this.#maxBytes)
      rest = rest.subarray(piece.length)
      left = rest.length
      // From here on, the reader may detach the last piece.
      yield piece
    }
  }

  /** Returns the last chunk, if bytes are left: an array of at most one. */
  end(): readonly Uint8Array[] {
    return this.#gathered.isEmpty ? [] : [this.#gathered.take()]
  }
}

/** Joins small chunks and cuts large ones, see `ChunkSizer`. */
export function coalesceChunks(
  source: AsyncIterable<Uint8Array>,
  minBytes?: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  return resized(source, new ChunkSizer({ minBytes }))
}

/** Splits and joins chunks. Each result but the last has exactly `sizeBytes`. See `ChunkSizer` for what is copied. */
export function exactChunks(
  source: AsyncIterable<Uint8Array>,
  sizeBytes: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  return resized(source, new ChunkSizer({ minBytes: sizeBytes, maxBytes: sizeBytes }))
}

async function* resized(
  source: AsyncIterable<Uint8Array>,
  sizer: ChunkSizer,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of source) {
    for (const piece of sizer.push(chunk)) yield piece
  }
  yield* sizer.end()
}

/** A buffer that grows with its content, up to a maximum size. */
class Gathered {
  readonly sizeBytes: number
  readonly #reuse: boolean
  #buffer = new Uint8Array()
  #filled = 0

  constructor(sizeBytes: number, reuse: boolean) {
    this.sizeBytes = sizeBytes
    this.#reuse = reuse
  }

  get isEmpty(): boolean {
    return this.#filled === 0
  }

  get isFull(): boolean {
    return this.#filled === this.sizeBytes
  }

  /** Copies as much of a chunk as fits, and returns the rest. */
  add(chunk: Uint8Array): Uint8Array {
    const piece = chunk.subarray(0, this.sizeBytes - this.#filled)
    const needed = this.#filled + piece.length
    if (needed > this.#buffer.length) {
      const larger = new Uint8Array(Math.min(this.sizeBytes, Math.max(needed, 2 * this.#buffer.length)))
      larger.set(this.#buffer.subarray(0, this.#filled))
      this.#buffer = larger
    }
    this.#buffer.set(piece, this.#filled)
    this.#filled = needed
    return chunk.subarray(piece.length)
  }

  /** Returns the gathered bytes. The next bytes go into a new buffer, unless the buffer is reused. */
  take(): Uint8Array {
    const bytes = this.#buffer.subarray(0, this.#filled)
    if (!this.#reuse) this.#buffer = new Uint8Array()
    this.#filled = 0
    return bytes
  }
}
