import { type ContentFormat, CtrCipher, type Envelope, type Keyring, wipe } from '@oss-cse/crypto-core'
import { coalesceChunks, DerivedKey, encodeContext, startSealRun } from '@oss-cse/crypto-core/internal'

/** How a stream is encrypted. */
export interface EncryptingOptions {
  readonly format: ContentFormat
  /** The context of a sealed object. */
  readonly context: string | undefined
  readonly signal: AbortSignal
}

/** Encrypts one stream under a content key of its own. */
export interface EncryptingRun {
  /** The envelope, without the lengths. */
  readonly envelope: Envelope
  /** The commitment of a sealed object. */
  readonly commitment: string | undefined
  /**
   * Encrypts a source. Call it once. The last bytes of a sealed object leave only after the source has ended without an
   * error.
   */
  transform(source: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>
  /** Wipes the key. */
  close(): void
}

/**
 * Makes a content key, and what encrypts with it. Close it after use.
 *
 * @throws CseError what the keyring throws; `ERR_CSE_INVALID_ARGUMENT` for an invalid context
 */
export async function startEncrypting(
  keyring: Keyring,
  { format, context = '', signal }: EncryptingOptions,
): Promise<EncryptingRun> {
  const bound = encodeContext(context)
  const { contentKey, envelope } = await keyring.generate({}, { signal }, format)
  if (format === 'aes-ctr') {
    const cipher = new CtrCipher(contentKey)
    return {
      envelope,
      transform: (source) => cipher.transform(coalesceChunks(source)),
      commitment: undefined,
      close: () => wipe(contentKey.cek),
    }
  }
  const derived = await DerivedKey.derive(contentKey, bound).finally(() => wipe(contentKey.cek))
  const run = startSealRun({ cipher: derived.use() })
  return {
    envelope,
    transform: (source) => run.transform({ open: () => source }, { signal }),
    commitment: derived.commitment,
    close: () => derived.close(),
  }
}
