import { encodeBase64 } from './bytes.ts'
import { IV_BYTES } from './content-key.ts'
import { CtrCipher } from './ctr-cipher.ts'

/**
 * Recognizes a content key that was issued before, among the last ones. It keeps no key: it remembers a CEK by what that
 * encrypts a secret block to. The block is random and never leaves this object.
 */
export class IssuedContentKeys {
  readonly #capacity: number
  readonly #names = new Set<string>()
  /** The same names in a ring, so that the oldest one is found at once. */
  readonly #ring: string[] = []
  #next = 0
  /** Made when it is first needed: some runtimes have no random numbers while modules load. */
  #block: Uint8Array | undefined

  /** @param capacity - how many keys it remembers */
  constructor(capacity: number) {
    this.#capacity = capacity
  }

  /**
   * Remembers a CEK of 32 bytes.
   *
   * @returns false when it was remembered already
   */
  async add(cek: Uint8Array): Promise<boolean> {
    this.#block ??= crypto.getRandomValues(new Uint8Array(IV_BYTES))
    // The content's own engine: a hash would need WebAssembly in a browser, which a security policy may forbid.
    const cipher = new CtrCipher({ cek, iv: this.#block })
    const name = encodeBase64(await cipher.bytes(new Uint8Array(IV_BYTES)))
    // Nothing waits between the look and the entry: of two calls at once one comes second.
    if (this.#names.has(name)) return false
    const forgotten = this.#ring[this.#next]
    if (forgotten !== undefined) this.#names.delete(forgotten)
    this.#names.add(name)
    this.#ring[this.#next] = name
    this.#next = (this.#next + 1) % this.#capacity
    return true
  }
}
