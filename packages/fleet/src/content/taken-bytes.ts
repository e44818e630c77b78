/** Bytes of a stream that are taken piece by piece, such as the parts of an upload. */
export class TakenBytes {
  readonly #iterator: AsyncIterator<Uint8Array>
  #left: Uint8Array = new Uint8Array()

  constructor(bytes: AsyncIterable<Uint8Array>) {
    this.#iterator = bytes[Symbol.asyncIterator]()
  }

  /** Returns the next bytes: as many as are wanted, or fewer at the end. */
  async *take(sizeBytes: number): AsyncGenerator<Uint8Array, void, undefined> {
    let missing = sizeBytes
    while (missing > 0) {
      if (this.#left.length === 0) {
        const { done, value } = await this.#iterator.next()
        if (done) return
        this.#left = value
      }
      const piece = this.#left.subarray(0, missing)
      this.#left = this.#left.subarray(piece.length)
      missing -= piece.length
      yield piece
    }
  }

  /** Closes the stream. */
  async close(): Promise<void> {
    await this.#iterator.return?.()
  }
}
