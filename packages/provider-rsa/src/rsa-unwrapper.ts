import type { CallOptions, ContentKey, Envelope, UnwrapCacheOptions } from '@oss-cse/crypto-core'
import { formatMaterialDescription, tell, UnwrapCache } from '@oss-cse/crypto-core/internal'
import { invalidArgument } from './checked-options.ts'
import { type UnwrappingKey, type UnwrapRequest, unwrapContentKey } from './content-key-unwrap.ts'
import { rejectionSecret } from './implicit-rejection.ts'
import { type OnWarning, processWarning } from './process-warning.ts'
import { unwrapInThread } from './unwrap-thread.ts'

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
  /**
   * Unwraps in a worker thread, so that the RSA work does not block the event loop. Default false. The thread starts at
   * the first unwrap, does not keep the process alive, and serves all providers of the process. It makes no unwrap
   * faster. If it cannot start, there is a warning, and the work is done in the calling thread.
   */
  readonly unwrapInWorker?: boolean | undefined
}

const NO_WORKER =
  'No worker thread could start, so `unwrapInWorker` has no effect: keys are unwrapped in the calling thread. A bundle needs the package @oss-cse/provider-rsa beside it.'

/** Unwraps content keys with one private key: in this thread or in a worker, directly or through the cache. */
export class RsaUnwrapper {
  readonly #key: UnwrappingKey
  readonly #cache: UnwrapCache | undefined
  readonly #onWarning: OnWarning
  #rejectionSecret: Uint8Array | undefined
  #inWorker: boolean

  /** @throws CseError `ERR_CSE_INVALID_ARGUMENT` if an option is not valid */
  constructor(
    key: UnwrappingKey,
    {
      unwrapCache,
      unwrapInWorker = false,
      onWarning = processWarning('OSS_CSE_NO_WORKER'),
    }: RsaUnwrapOptions & { readonly onWarning?: OnWarning | undefined },
  ) {
    if (typeof unwrapInWorker !== 'boolean') {
      throw invalidArgument('The `unwrapInWorker` option must be true or false.')
    }
    this.#key = key
    this.#cache = unwrapCache && new UnwrapCache(unwrapCache)
    this.#inWorker = unwrapInWorker
    this.#onWarning = onWarning
  }

  /**
   * Unwraps the content key of an envelope, which `request` describes. Nobody else uses the result.
   *
   * @throws CseError `ERR_CSE_UNWRAP_FAILED`, always the same; `ERR_CSE_THREAD`
   */
  async unwrap(envelope: Envelope, request: UnwrapRequest, { signal }: CallOptions): Promise<ContentKey> {
    signal?.throwIfAborted()
    if (this.#cache === undefined) return this.#unwrap(request, signal)
    const { version, wrapAlgorithm, materialDescription } = envelope
    const description = formatMaterialDescription(materialDescription)
    const rejection = request.rejectionSecret === undefined ? 'explicit' : 'implicit'
    const parts = [
      String(version),
      wrapAlgorithm,
      description,
      request.wrappedCek,
      request.wrappedIv,
      rejection,
    ]
    return this.#cache.get(parts, (whileWanted) => this.#unwrap(request, whileWanted), signal)
  }

  /**
   * The same, with implicit rejection: a value that does not unwrap is replaced, see `messageOrReplacement`. What is returned is
   * cached in any case, so that the cache shows nothing either.
   *
   * @throws CseError `ERR_CSE_THREAD`
   */
  async unwrapWithImplicitRejection(
    envelope: Envelope,
    request: UnwrapRequest,
    options: CallOptions,
  ): Promise<ContentKey> {
    this.#rejectionSecret ??= rejectionSecret(this.#key.privateKey)
    return this.unwrap(envelope, { ...request, rejectionSecret: this.#rejectionSecret }, options)
  }

  /** Overwrites and removes each unwrapped key in the cache. */
  clearCache(): void {
    this.#cache?.clear()
  }

  async #unwrap(request: UnwrapRequest, signal: AbortSignal | undefined): Promise<ContentKey> {
    if (this.#inWorker) {
      const contentKey = await unwrapInThread(this.#key, request, signal)
      if (contentKey !== undefined) return contentKey
      // Once: several unwraps may have waited for the thread.
      if (this.#inWorker) tell(this.#onWarning, NO_WORKER)
      this.#inWorker = false
    }
    return unwrapContentKey(this.#key, request)
  }
}
