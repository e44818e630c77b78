import {
  type ContentFormat,
  contentFormat,
  type Envelope,
  type EnvelopeExtras,
  type ObjectReference,
} from '@oss-cse/crypto-core'
import type { BucketContext } from '../policy/bucket-context.ts'
import type { LocalWrap } from './local-wrap.ts'
import { generateCipher, type ObjectCipher, unwrapCipher, unwrapLocalCipher } from './object-cipher.ts'
import { generateSealed, type SealedCipher, unwrapLocalSealed, unwrapSealed } from './sealed-cipher.ts'
import type { UnwrapOptions } from './unwrap-key.ts'

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

/**
 * Unwraps the content key of an object, to write further parts of it, and makes a cipher of the object's format.
 *
 * @param sealedContext - the context that a sealed object must have been sealed under
 * @throws CseError as `unwrapCipher`
 */
export async function unwrapContentCipher(
  context: BucketContext,
  envelope: Envelope,
  options: UnwrapOptions,
  sealedContext: Uint8Array,
): Promise<ContentCipher> {
  return contentFormat(envelope) === 'sealed'
    ? unwrapSealed(context, envelope, options, sealedContext)
    : unwrapCipher(context, envelope, options)
}

/**
 * As `unwrapContentCipher`, for a content key under the local key of a checkpoint.
 *
 * @throws CseError `ERR_CSE_UNWRAP_FAILED` when anything is not as it was when the key was wrapped
 */
export async function unwrapLocal(
  context: BucketContext,
  local: LocalWrap,
  format: ContentFormat,
  sealedContext: Uint8Array,
): Promise<ContentCipher> {
  return format === 'sealed'
    ? unwrapLocalSealed(context, local, sealedContext)
    : unwrapLocalCipher(context, local)
}

/** The commitment of a sealed object. */
export function commitmentOf(cipher: ContentCipher): string | undefined {
  return 'commitment' in cipher ? cipher.commitment : undefined
}

/** The format of the content that a cipher makes. */
export function formatOf(cipher: ContentCipher): ContentFormat {
  return 'commitment' in cipher ? 'sealed' : 'aes-ctr'
}
