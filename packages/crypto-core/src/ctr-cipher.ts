import { aesCtr } from '@oss-cse/crypto-core/aes-ctr'
import type { AesCtrEngine, AesCtrKeystream } from './aes-ctr.ts'
import { checkContentKey } from './content-key.ts'
import { addToCounter, BLOCK_BYTES } from './ctr-counter.ts'
import { CseError } from './errors.ts'
import type { ContentKey } from './ports.ts'

/** Options of a cipher. */
export interface CtrCipherOptions {
  /** The offset in the object of the first byte to process. Default 0. */
  readonly offsetBytes?: number | undefined
  /** Another engine. Default: the one that the `exports` condition of the runtime selects. */
  readonly engine?: AesCtrEngine | undefined
}

/**
 * AES-256-CTR over one run of an object's bytes, from any byte offset. To encrypt plaintext and to decrypt ciphertext
 * is the same operation. A cipher can be used once, and throws on a second use: a keystream that is used for two
 * different texts reveals both.
 *
 * CTR does not authenticate: a flipped bit of the ciphertext flips the same bit of the plaintext.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when the key is not 32 bytes, the IV is not 16 bytes, or the offset is
 * not a non-negative safe integer; `ERR_CSE_CIPHER_REUSED` on a second use.
 *
 * @example
 * ```ts
 * const cipher = new CtrCipher(contentKey, { offsetBytes: 100 })
 * const plaintext = await cipher.bytes(ciphertextFromByte100)
 * ```
 */
export class CtrCipher {
  readonly #keystream: AesCtrKeystream
  readonly #skipBytes: number
  #used = false

  constructor(contentKey: ContentKey, options: CtrCipherOptions = {}) {
    const { offsetBytes = 0, engine = aesCtr } = options
    const { keystream, skipBytes } = keystreamAt(contentKey, offsetBytes, engine)
    this.#keystream = keystream
    this.#skipBytes = skipBytes
  }

  /** Encrypts or decrypts a stream, chunk by chunk. */
  transform(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    this.#use()
    return this.#run(source)
  }

  /** Encrypts or decrypts bytes in memory. */
  async bytes(data: Uint8Array): Promise<Uint8Array> {
    this.#use()
    try {
      await this.#skip()
      return await this.#keystream.update(data)
    } finally {
      this.#keystream.dispose()
    }
  }

  #use(): void {
    if (this.#used) throw cipherReused()
    this.#used = true
  }

  async #skip(): Promise<void> {
    if (this.#skipBytes > 0) await this.#keystream.update(new Uint8Array(this.#skipBytes))
  }

  async *#run(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      await this.#skip()
      for await (const chunk of source) {
        if (chunk.length > 0) yield await this.#keystream.update(chunk)
      }
    } finally {
      this.#keystream.dispose()
    }
  }
}

/** The error of a second use of a cipher. */
export function cipherReused(): CseError {
  return new CseError(
    'ERR_CSE_CIPHER_REUSED',
    'This cipher was already used. Make a new CtrCipher for each run of bytes.',
  )
}

/**
 * Starts the keystream at the block that holds an offset of an object. It is for callers that process the keystream
 * themselves. Others use CtrCipher.
 *
 * @param offsetBytes - the offset in the object
 * @returns the keystream, and the number of its first bytes (0 to 15) before the offset: process that many bytes first
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when the key is not 32 bytes, the IV is not 16 bytes, or the offset is
 * not a non-negative safe integer.
 */
export function keystreamAt(
  contentKey: ContentKey,
  offsetBytes: number,
  engine: AesCtrEngine = aesCtr,
): { readonly keystream: AesCtrKeystream; readonly skipBytes: number } {
  checkContentKey(contentKey)
  if (!Number.isSafeInteger(offsetBytes) || offsetBytes < 0) {
    throw new CseError(
      'ERR_CSE_INVALID_ARGUMENT',
      `offsetBytes must be a non-negative integer, not ${offsetBytes}.`,
    )
  }
  const skipBytes = offsetBytes % BLOCK_BYTES
  const counter = addToCounter(contentKey.iv, (offsetBytes - skipBytes) / BLOCK_BYTES)
  return { keystream: engine.start(contentKey.cek, counter), skipBytes }
}
