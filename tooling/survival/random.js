import { createHash } from 'node:crypto'

/** Choices that depend on a seed alone, so that a failure can be repeated. */
export class Random {
  #state
  #seed

  /** @param {number | string} seed */
  constructor(seed) {
    this.#seed = String(seed)
    this.#state = createHash('sha256').update(this.#seed).digest().readUInt32LE(0)
  }

  /** Choices of its own for one thing, whatever was drawn for others before. */
  fork(name) {
    return new Random(`${this.#seed} ${name}`)
  }

  /** A number from 0 to 1, without 1 (mulberry32). */
  next() {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  /** A whole number from `min` to `max`, both included. */
  integer(min, max) {
    return min + Math.floor(this.next() * (max - min + 1))
  }
}
