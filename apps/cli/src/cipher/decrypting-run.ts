import { CseError, CtrCipher, contentFormat, type Envelope, type Keyring, wipe } from '@oss-cse/crypto-core'
import {
  coalesceChunks,
  DerivedKey,
  encodeContext,
  type SegmentPlan,
  startOpenRun,
} from '@oss-cse/crypto-core/internal'

/** Which sealed objects are opened. */
export interface SealedPolicies {
  /** Whether no other object is accepted. */
  readonly acceptsOnlySealed: boolean
  /** The commitment that the object must have. */
  readonly expectCommitment: string | undefined
  /** The context that the object was sealed under. */
  readonly context: string | undefined
}

/** The ciphertext of wanted bytes. */
interface CtrBytes {
  /** The offset of its first byte. */
  readonly start: number
  chunks(): AsyncIterable<Uint8Array>
}

/** The stored bytes of segments, and which of their plaintext is wanted. */
export interface SealedBytes {
  readonly plan: SegmentPlan
  readonly firstSegment: number
  readonly lastSegment: number
  /** The number of bytes of plaintext at the start of the segments that are not wanted. */
  readonly discardBytes: number
  /** The number of wanted bytes. */
  readonly mostBytes: number
  chunks(): AsyncIterable<Uint8Array>
}

/** Decrypts one file or stream. */
export interface Decryption {
  /** The commitment of a sealed object. */
  readonly commitment: string | undefined
  /** Decrypts AES-CTR. Call one of the two, once. */
  decrypt(bytes: CtrBytes): AsyncIterable<Uint8Array>
  /** Opens segments: a byte leaves only after its segment was verified. */
  open(bytes: SealedBytes): AsyncIterable<Uint8Array>
  /** Wipes the key. */
  close(): void
}

/**
 * Unwraps the content key of an envelope. Close the result after use.
 *
 * @throws CseError what the keyring throws; `ERR_CSE_AUTHENTICATION_FAILED` for another commitment than the expected one
 */
export async function startDecrypting(
  keyring: Keyring,
  envelope: Envelope,
  { acceptsOnlySealed, expectCommitment, context = '' }: SealedPolicies,
  signal: AbortSignal,
): Promise<Decryption> {
  const bound = encodeContext(context)
  const sealed = contentFormat(envelope) === 'sealed'
  const contentKey = sealed
    ? await keyring.unwrapToOpen(envelope, { signal, acceptsOnlySealed })
    : await keyring.unwrap(envelope, { signal })
  const wipeKey = (): void => wipe(contentKey.cek)
  const derived = sealed ? await DerivedKey.derive(contentKey, bound).finally(wipeKey) : undefined
  const close = (): void => {
    wipeKey()
    derived?.close()
  }
  const commitment = derived?.commitment
  if (expectCommitment !== undefined && expectCommitment !== commitment) {
    close()
    throw new CseError(
      'ERR_CSE_AUTHENTICATION_FAILED',
      'The envelope is not that of the object whose commitment was expected, or the context is another one.',
    )
  }
  return {
    commitment,
    decrypt: (bytes) => {
      // The content key of a sealed object is wiped by now.
      if (sealed) throw new TypeError('The envelope is that of a sealed object.')
      return new CtrCipher(contentKey, { offsetBytes: bytes.start }).transform(coalesceChunks(bytes.chunks()))
    },
    open: (bytes) => {
      if (derived === undefined) throw new TypeError('The envelope is not that of a sealed object.')
      const run = startOpenRun({ cipher: derived.use(), ...bytes })
      return run.transform({ open: () => bytes.chunks() }, { signal })
    },
    close,
  }
}
