import { sealEngine } from '@oss-cse/crypto-core/seal-engine'
import { checkContentKey } from './content-key.ts'
import type { ContentKey } from './ports.ts'
import type { SealEngine, SegmentCipher } from './seal-engine.ts'
import { commitmentOf } from './sealed-commitment.ts'

/**
 * The key of one sealed object, derived once for all runs over it. It is forgotten when it was closed and the last run that
 * uses it has ended.
 */
export class DerivedKey {
  /** The commitment of the object. It binds content key, IV and context, and does not reveal them. */
  readonly commitment: string
  readonly #cipher: SegmentCipher
  /** The runs that use the key, and the owner. */
  #users = 1
  #closed = false

  private constructor(cipher: SegmentCipher) {
    this.#cipher = cipher
    this.commitment = commitmentOf(cipher.header)
  }

  /**
   * Derives the key. The caller may wipe the content key as soon as this returns, even before it resolves.
   *
   * @param context - see `encodeContext`
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when the content key has wrong lengths
   */
  static async derive(
    contentKey: ContentKey,
    context: Uint8Array,
    engine: SealEngine = sealEngine,
  ): Promise<DerivedKey> {
    checkContentKey(contentKey)
    return new DerivedKey(await engine.start(contentKey, context))
  }

  /**
   * Returns a cipher for one run, which must dispose of it. It works even after `close`.
   *
   * @throws TypeError once the key was closed
   */
  use(): SegmentCipher {
    if (this.#closed) throw new TypeError('The derived key was closed.')
    this.#users += 1
    const cipher = this.#cipher
    let disposed = false
    const usable = (): SegmentCipher => {
      // The key may be wiped, and what is sealed under zeros would look like anything else.
      if (disposed) throw new TypeError('The cipher was disposed of.')
      return cipher
    }
    return {
      header: cipher.header,
      seal: (...segment) => usable().seal(...segment),
      open: (...segment) => usable().open(...segment),
      dispose: () => {
        if (disposed) return
        disposed = true
        this.#release()
      },
    }
  }

  /** Lets no further run use the key. Can be called repeatedly. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#release()
  }

  #release(): void {
    this.#users -= 1
    if (this.#users === 0) this.#cipher.dispose()
  }
}

/** What a run is sealed or opened under. */
export type RunKey =
  | {
      readonly contentKey: ContentKey
      /** See `encodeContext`. */
      readonly context: Uint8Array
      /** Another engine. Default: the one that the `exports` condition of the runtime selects. */
      readonly engine?: SealEngine | undefined
    }
  /** See `DerivedKey.use`. The run disposes of it. */
  | { readonly cipher: SegmentCipher }

/**
 * Returns the cipher of a run. It is no promise on Node.js. The caller may wipe its copy of the key as soon as this returns.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when the content key has wrong lengths
 */
export function cipherOf(key: RunKey): SegmentCipher | Promise<SegmentCipher> {
  if ('cipher' in key) return key.cipher
  checkContentKey(key.contentKey)
  return (key.engine ?? sealEngine).start(key.contentKey, key.context)
}
