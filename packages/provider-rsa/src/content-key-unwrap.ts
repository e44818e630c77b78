import { type ContentKey, parseV1Start, wipe } from '@oss-cse/crypto-core'
import { CEK_BYTES, IV_BYTES } from '@oss-cse/crypto-core/internal'
import { messageOrReplacement } from './implicit-rejection.ts'
import { judgedContentKey } from './judged-unwrap.ts'
import { oaepUnwrap } from './oaep.ts'
import { pkcs1Unwrap } from './pkcs1.ts'
import type { UnpaddedMessage } from './pkcs1-unpad.ts'
import type { RsaKey } from './rsa-key.ts'

/** The halves of a key that an unwrap needs. */
export type UnwrappingKey = Pick<Required<RsaKey>, 'privateKey' | 'modulus'>

/** The values of an envelope that an unwrap depends on, and how they are wrapped. */
export interface UnwrapRequest {
  readonly padding: 'pkcs1' | 'oaep'
  /** The wrapped counter block: its 16 bytes, or the decimal text of its value (V1). */
  readonly ivForm: 'block' | 'start'
  /** Whether this key unwraps this kind of envelope. If not, the unwrap fails after the same work. */
  readonly isOurs: boolean
  readonly wrappedCek: string
  readonly wrappedIv: string
  /** With it, a value that does not unwrap is replaced, and nothing fails. See `rejectionSecret`. */
  readonly rejectionSecret?: Uint8Array | undefined
}

/**
 * Unwraps the CEK and the IV: two operations of the private key. Both are unwrapped before any check, and all checks run
 * at once, so that no failure is faster than another.
 *
 * @throws CseError `ERR_CSE_UNWRAP_FAILED`, always the same, unless the request has a `rejectionSecret`
 */
export function unwrapContentKey(key: UnwrappingKey, request: UnwrapRequest): ContentKey {
  const { isOurs, wrappedCek, wrappedIv, rejectionSecret } = request
  const ours = Number(isOurs)
  const { cek, iv } = unwrapBoth(key, request)
  if (rejectionSecret === undefined) return judgedContentKey(ours, cek, iv)
  const kept = (value: UnpaddedMessage, field: 'cek' | 'iv', wrapped: string, lengthBytes: number) => {
    const { valid, message } = value
    return messageOrReplacement(
      rejectionSecret,
      { valid: valid & ours, message },
      { field, wrapped, lengthBytes },
    )
  }
  return { cek: kept(cek, 'cek', wrappedCek, CEK_BYTES), iv: kept(iv, 'iv', wrappedIv, IV_BYTES) }
}

function unwrapBoth(
  { privateKey, modulus }: UnwrappingKey,
  { padding, ivForm, wrappedCek, wrappedIv }: UnwrapRequest,
): { readonly cek: UnpaddedMessage; readonly iv: UnpaddedMessage } {
  if (padding === 'pkcs1') {
    const cek = pkcs1Unwrap(privateKey, modulus, wrappedCek, CEK_BYTES)
    return { cek, iv: pkcs1Unwrap(privateKey, modulus, wrappedIv, IV_BYTES) }
  }
  const cek = oaepUnwrap(privateKey, modulus, wrappedCek)
  const iv = oaepUnwrap(privateKey, modulus, wrappedIv)
  return {
    cek: ofLength(cek, CEK_BYTES),
    iv: ivForm === 'start' ? startBlock(iv) : ofLength(iv, IV_BYTES),
  }
}

function ofLength({ valid, message }: UnpaddedMessage, lengthBytes: number): UnpaddedMessage {
  return { valid: valid & Number(message.length === lengthBytes), message }
}

/** The counter block of a decimal start value. oss2 also accepts spaces and a sign, but it never wrote them. */
function startBlock({ valid, message }: UnpaddedMessage): UnpaddedMessage {
  const block = parseV1Start(Buffer.from(message).toString('latin1'))
  wipe(message)
  return { valid: valid & Number(block !== undefined), message: block ?? new Uint8Array() }
}
