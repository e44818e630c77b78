import type { CallOptions, ContentKey, Envelope, UnwrapCacheOptions } from '@oss-cse/crypto-core'
import { formatMaterialDescription, UnwrapCache } from '@oss-cse/crypto-core/internal'
import { type UnwrappingKey, type UnwrapRequest, unwrapContentKey } from './content-key-unwrap.ts'

/**
 * Options of how content keys are unwrapped.
 *
 * @example
 * ```ts
 * const options: RsaUnwrapOptions = { unwrapCache: { maxEntries: 1000, ttlMs: 60_000 } }
 * ```
 */
export interface RsaUnwrapOptions {
  /**
   * Caches unwrapped keys. Default: no cache. A cached key is returned faster than it was unwrapped: do not use a cache
   * if strangers can upload what you decrypt.
   */
  readonly unwrapCache?: UnwrapCacheOptions | undefined
}

/** Unwraps content keys with one private key: directly, or through the cache. */
export class RsaUnwrapper {
  readonly #key: UnwrappingKey
  readonly #cache: UnwrapCache | undefined

  /** @throws CseError `ERR_CSE_INVALID_ARGUMENT` if an option is not valid */
  constructor(key: UnwrappingKey, { unwrapCache }: RsaUnwrapOptions) {
    this.#key = key
    this.#cache = unwrapCache && new UnwrapCache(unwrapCache)
  }

  /**
   * Unwraps the content key of an envelope, which `request` describes. The caller wipes it.
   *
   * @throws CseError `ERR_CSE_UNWRAP_FAILED`, always the same
   */
  async unwrap(envelope: Envelope, request: UnwrapRequest, { signal }: CallOptions): Promise<ContentKey> {
    signal?.throwIfAborted()
    if (this.#cache === undefined) return unwrapContentKey(this.#key, request)
    const { padding, ivForm, isOurs, wrappedCek, wrappedIv } = request
    const description = formatMaterialDescription(envelope.materialDescription)
    const parts = [
      envelope.wrapAlgorithm,
      description,
      padding,
      ivForm,
      String(isOurs),
      wrappedCek,
      wrappedIv,
    ]
    return this.#cache.get(parts, async () => unwrapContentKey(this.#key, request), signal)
  }

  /** Overwrites and removes each unwrapped key in the cache. */
  clearCache(): void {
    this.#cache?.clear()
  }
}
