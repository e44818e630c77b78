import { TAG_BYTES } from './segment-plan.ts'

/** The tags of a run's segments, one after another, in one piece of memory. */
export class TagList {
  #bytes = new Uint8Array(64 * TAG_BYTES)
  #length = 0

  /** Takes the tag at the end of a segment. */
  add(segment: Uint8Array): void {
    if (this.#length === this.#bytes.length) {
      const larger = new Uint8Array(2 * this.#length)
      larger.set(this.#bytes)
      this.#bytes = larger
    }
    this.#bytes.set(segment.subarray(-TAG_BYTES), this.#length)
    this.#length += TAG_BYTES
  }

  /** A copy of all tags. */
  bytes(): Uint8Array {
    return this.#bytes.slice(0, this.#length)
  }
}
