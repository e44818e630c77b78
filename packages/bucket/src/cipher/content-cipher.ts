import type { ContentFormat, Envelope, EnvelopeExtras, ObjectReference } from '@oss-cse/crypto-core'
import type { BucketContext } from '../policy/bucket-context.ts'
import { generateCipher, type ObjectCipher } from './object-cipher.ts'
import { generateSealed, type SealedCipher } from './sealed-cipher.ts'

/** The cipher of an object in either format. */
export type ContentCipher = ObjectCipher | SealedCipher

/**
 * Makes a new content key, wrapped for an object's envelope, and a cipher of the format that the bucket writes.
 *
 * @param sealedContext - the context of a sealed object
 * @throws CseError as `generateCipher`
 */
export async function generateContentCipher(
  context: BucketContext,
  object: ObjectReference,
  extras: EnvelopeExtras,
  signal: AbortSignal | undefined,
  sealedContext: Uint8Array,
): Promise<{ readonly cipher: ContentCipher; readonly envelope: Envelope }> {
  return context.format === 'sealed'
    ? generateSealed(context, object, extras, signal, sealedContext)
    : generateCipher(context, object, extras, signal)
}

/** The commitment of a sealed object. */
export function commitmentOf(cipher: ContentCipher): string | undefined {
  return 'commitment' in cipher ? cipher.commitment : undefined
}

/** The format of the content that a cipher makes. */
export function formatOf(cipher: ContentCipher): ContentFormat {
  return 'commitment' in cipher ? 'sealed' : 'aes-ctr'
}
