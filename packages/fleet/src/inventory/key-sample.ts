import { compareCodePoints, createCrc64 } from '@oss-cse/crypto-core/internal'
import { uniformInt } from 'pure-rand/distribution/uniformInt'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'

/** What a sample is made with. */
export interface KeySampleOptions {
  /** The same keys in the same order with the same seed have the same sample. */
  readonly seed: string
  /** The most keys that are held: an even number. */
  readonly capacity: number
}

/**
 * A sample of any number of keys, in constant memory. Each key has a weight. The keys are laid end to end by their weights and
 * cut into strides, and one point of each stride is chosen at random: its key is in the sample. When the sample is full, one
 * of each two neighbours stays, and a stride is twice as long.
 *
 * Up to the capacity, a stride is 1, and the sample has all keys. Beyond, it is at least as even as a random sample, and much
 * more even if the keys come in order.
 */
export class KeySample {
  readonly #capacity: number
  readonly #random: ReturnType<typeof xoroshiro128plus>
  #keys: string[] = []
  #stride = 1
  /** How much of the present stride has passed. */
  #passed = 0
  /** The chosen point of the present stride. */
  #point = 0
  #chosen = ''

  constructor({ seed, capacity }: KeySampleOptions) {
    this.#capacity = capacity
    const crc = createCrc64()
    crc.update(new TextEncoder().encode(seed))
    this.#random = xoroshiro128plus(Number(BigInt.asIntN(32, crc.value())))
  }

  /** The weight that each key of the sample stands for. */
  get stride(): number {
    return this.#stride
  }

  /** The keys that are held: a key may occur more than once. */
  get keys(): readonly string[] {
    return this.#keys
  }

  /** @param weight - a whole number of at least 1 */
  add(key: string, weight = 1): void {
    for (let left = weight; left > 0; ) {
      const part = Math.min(left, this.#stride - this.#passed)
      const next = this.#passed + part
      if (this.#point >= this.#passed && this.#point < next) this.#chosen = key
      this.#passed = next
      left -= part
      if (next === this.#stride) this.#endStride()
    }
  }

  /**
   * Cuts the keys, in byte order, into pieces of about this weight. Exactly at most this weight while a stride is 1, but for
   * a piece of a single key.
   *
   * @returns the last key of each piece but the last one. They ascend
   */
  cuts(weight: number): readonly string[] {
    this.#keys.sort(compareCodePoints)
    // A stride more is nearer to the weight than none more.
    const limit = weight + Math.floor(this.#stride / 2)
    const cuts: string[] = []
    let previous: string | undefined
    let pieceWeight = 0
    let keyWeight = 0
    for (const [position, key] of this.#keys.entries()) {
      keyWeight += this.#stride
      if (this.#keys[position + 1] === key) continue
      if (previous !== undefined && pieceWeight + keyWeight > limit) {
        cuts.push(previous)
        pieceWeight = 0
      }
      pieceWeight += keyWeight
      keyWeight = 0
      previous = key
    }
    return cuts
  }

  #endStride(): void {
    this.#keys.push(this.#chosen)
    if (this.#keys.length === this.#capacity) {
      this.#keys = Array.from({ length: this.#capacity / 2 }, (_, pair) => this.#oneOf(pair))
      this.#stride *= 2
    }
    this.#passed = 0
    this.#point = this.#stride === 1 ? 0 : uniformInt(this.#random, 0, this.#stride - 1)
  }

  #oneOf(pair: number): string {
    return this.#keys[2 * pair + uniformInt(this.#random, 0, 1)] ?? ''
  }
}
