import {
  type ContentKey,
  CseError,
  concatBytes,
  decodeBase64,
  encodeBase64,
  wipe,
} from '@oss-cse/crypto-core'
import { CEK_BYTES, IV_BYTES, TAG_BYTES } from '@oss-cse/crypto-core/internal'

/** A content key under the local key of a checkpoint, see `CheckpointStore.localKey`. */
export interface LocalWrap {
  /** What `wrapLocally` returned. */
  readonly wrapped: string
  readonly localKey: CryptoKey
  /** What the key belongs to. Only with the same bytes is it unwrapped again. */
  readonly boundTo: Uint8Array<ArrayBuffer>
}

const NONCE_BYTES = 12

/**
 * Wraps a content key under the local key of a checkpoint.
 *
 * @param boundTo - see `LocalWrap`
 * @returns the nonce, the encrypted key and the tag, in base64
 */
export async function wrapLocally(
  { cek, iv }: ContentKey,
  localKey: CryptoKey,
  boundTo: Uint8Array<ArrayBuffer>,
): Promise<string> {
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES))
  const plain = new Uint8Array(CEK_BYTES + IV_BYTES)
  plain.set(cek)
  plain.set(iv, CEK_BYTES)
  const algorithm = { name: 'AES-GCM', iv: nonce, additionalData: boundTo }
  const wrapped = crypto.subtle.encrypt(algorithm, localKey, plain)
  // WebCrypto has copied it.
  wipe(plain)
  return encodeBase64(concatBytes([nonce, new Uint8Array(await wrapped)]))
}

/**
 * Unwraps what `wrapLocally` returned.
 *
 * @throws CseError `ERR_CSE_UNWRAP_FAILED`, with one message whatever is wrong
 */
export async function unwrapLocally({ wrapped, localKey, boundTo }: LocalWrap): Promise<ContentKey> {
  const bytes = decodeBase64(wrapped)
  if (bytes?.length !== NONCE_BYTES + CEK_BYTES + IV_BYTES + TAG_BYTES) throw unwrapFailed()
  const algorithm = { name: 'AES-GCM', iv: bytes.slice(0, NONCE_BYTES), additionalData: boundTo }
  let plain: Uint8Array
  try {
    plain = new Uint8Array(await crypto.subtle.decrypt(algorithm, localKey, bytes.slice(NONCE_BYTES)))
  } catch {
    throw unwrapFailed()
  }
  const contentKey = { cek: plain.slice(0, CEK_BYTES), iv: plain.slice(CEK_BYTES) }
  wipe(plain)
  return contentKey
}

function unwrapFailed(): CseError {
  return new CseError(
    'ERR_CSE_UNWRAP_FAILED',
    'The local key of the checkpoint does not unwrap the content key: the record was altered, or belongs to another upload.',
  )
}
