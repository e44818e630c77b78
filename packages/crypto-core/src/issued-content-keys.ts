import { encodeBase64 } from './bytes.ts'
import { IV_BYTES } from './content-key.ts'
import { CtrCipher } from './ctr-cipher.ts'

/**
 * Recognizes a content key that was issued recently. It does not store keys. It remembers a CEK as the ciphertext of a
 * secret block under that CEK. The block is random and never leaves this object.
 */
export class IssuedContentKeys {
  readonly #capacity: number
  readonly #names = new Set<string>()
  /** The same names in a ring, to find the oldest one in constant time. */
  readonly #ring: string[] = []
  #next = 0
  /** Made on first use: some runtimes have no random numbers while modules load. */
  #block: Uint8Array | undefined

  /** @param capacity - the number of keys that it remembers */
  constructor(capacity: number) {
    this.#capacity = capacity
  }

  /**
   * Remembers a CEK of 32 bytes.
   *
   * @returns false if the CEK is already known
   */
  async add(cek: Uint8Array): Promise<boolean> {
    this.#block ??= crypto.getRandomValues(new Uint8Array(IV_BYTES))
    // It uses the engine of the content. In a browser a hash would need WebAssembly, which a security policy may forbid.
    const cipher = new CtrCipher({ cek, iv: this.#block })
    const name = encodeBase64(await cipher.bytes(new Uint8Array(IV_BYTES)))
    // There is no await between the check and the insertion, so of two concurrent calls exactly one is second.
    if (this.#names.has(name)) return false
    const forgotten = this.#ring[this.#next]
    if (forgotten !== undefined) this.#names.delete(forgotten)
    this.#names.add(name)
    this.#ring[this.#next] = name
    this.#next = (this.#next + 1) % this.#capacity
    return true
  }
}
