import { CseError } from '@oss-cse/crypto-core'
import { withDeadline } from '@oss-cse/crypto-core/internal'
import type { ReadContext } from './policy/bucket-context.ts'
import { checkKey } from './policy/check-key.ts'
import { checkedReadContext, type ReadOptions } from './policy/read-options.ts'
import { type GetOptions, type GetResult, getObject, getObjectBytes } from './read/get-object.ts'
import { type HeadOptions, type HeadResult, headObject } from './read/head-object.ts'
import type { ReadTransport } from './read/linked-object.ts'
import { type ObjectReader, type OpenOptions, openObject } from './read/object-reader.ts'
import { readerSource } from './read/reader-source.ts'

/** Options of a bucket that is only read. Pass either `keyring` or `provider`. */
export interface ReadingBucketOptions extends ReadOptions {
  /** Returns the ciphertext. */
  readonly transport: ReadTransport
}

/**
 * The calls of `CryptoBucket` that read objects, and nothing else: for pages and workers that never write. A bundle with
 * it is a third smaller.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when the options contradict one another.
 *
 * @example
 * ```ts
 * const bucket = new ReadingBucket({ transport, provider })
 * const { body } = await bucket.get('report.pdf')
 * ```
 */
export class ReadingBucket {
  readonly #transport: ReadTransport
  readonly #context: ReadContext

  constructor(options: ReadingBucketOptions) {
    const { transport } = options
    const context = checkedReadContext('ReadingBucket', options)
    if (typeof transport?.get !== 'function' || typeof transport.head !== 'function')
      throw new CseError('ERR_CSE_INVALID_ARGUMENT', 'ReadingBucket: transport must have get and head.')
    // The last check: a bucket that cannot be built leaves the keyring as it was.
    if (context.onPlainObject === 'passthrough') context.keyring.allowPlainObjects()
    this.#transport = transport
    this.#context = context
  }

  /**
   * Requests an object or a range of it, and decrypts it as it arrives.
   *
   * @throws CseError as `CryptoBucket.get`.
   */
  async get(key: string, options: GetOptions = {}): Promise<GetResult> {
    checkKey(key)
    return getObject(this.#context, readerSource(this.#transport, key, options), key, options)
  }

  /**
   * Reads an object or a range of it into memory. Resolves only when all bytes are there and verified.
   *
   * @throws CseError as `CryptoBucket.getBytes`.
   */
  async getBytes(key: string, options: GetOptions = {}): Promise<Uint8Array> {
    checkKey(key)
    return getObjectBytes(this.#context, readerSource(this.#transport, key, options), key, options)
  }

  /**
   * Opens an object to read several ranges of it, also in parallel. Its key is unwrapped once.
   *
   * @throws CseError as `CryptoBucket.openObject`.
   */
  async openObject(key: string, options: OpenOptions = {}): Promise<ObjectReader> {
    checkKey(key)
    return withDeadline(options, key, (bounded) =>
      openObject(this.#context, readerSource(this.#transport, key, bounded), key, bounded),
    )
  }

  /**
   * Returns what the service knows about an object: its size, its metadata and how it is encrypted.
   *
   * @throws CseError as `CryptoBucket.head`.
   */
  async head(key: string, options: HeadOptions = {}): Promise<HeadResult> {
    checkKey(key)
    return headObject(this.#context, this.#transport, key, options)
  }
}
