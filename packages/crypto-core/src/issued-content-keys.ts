import { digestEngine } from '@oss-cse/crypto-core/digest-engine'
import { concatBytes, encodeBase64, wipe } from './bytes.ts'

/** The length in bytes of the random prefix of what is hashed. */
const PREFIX_BYTES = 32

/**
 * Recognizes a content key that was issued recently. It does not store keys. It remembers a CEK as the SHA-256 of a
 * secret prefix and the CEK. The prefix is random and never leaves this object.
 */
export class IssuedContentKeys {
  readonly #capacity: number
  readonly #names = new Set<string>()
  /** The same names in a ring, to find the oldest one in constant time. */
  readonly #ring: string[] = []
  #next = 0
  /** Made on first use: some runtimes have no random numbers while modules load. */
  #prefix: Uint8Array | undefined

  /** @param capacity - the number of keys that it remembers */
  constructor(capacity: number) {
    this.#capacity = capacity
  }

  /**
   * Remembers a CEK of 32 bytes.
   *
   * @returns false if the CEK is already known
   */
  add(cek: Uint8Array): boolean {
    this.#prefix ??= crypto.getRandomValues(new Uint8Array(PREFIX_BYTES))
    const hashed = concatBytes([this.#prefix, cek])
    const name = encodeBase64(digestEngine.sha256(hashed))
    wipe(hashed)
    if (this.#names.has(name)) return false
    const forgotten = this.#ring[this.#next]
    if (forgotten !== undefined) this.#names.delete(forgotten)
    this.#names.add(name)
    this.#ring[this.#next] = name
    this.#next = (this.#next + 1) % this.#capacity
    return true
  }
}
