import { type ContentKey, parseV1Start, wipe } from '@oss-cse/crypto-core'
import { CEK_BYTES, IV_BYTES } from '@oss-cse/crypto-core/internal'
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
}

/**
 * Unwraps the CEK and the IV: two operations of the private key. Both are unwrapped before any check, and all checks run
 * at once, so that no failure is faster than another.
 *
 * @throws CseError `ERR_CSE_UNWRAP_FAILED`, always the same
 */
export function unwrapContentKey({ privateKey, modulus }: UnwrappingKey, request: UnwrapRequest): ContentKey {
  const { padding, ivForm, isOurs, wrappedCek, wrappedIv } = request
  const ours = Number(isOurs)
  if (padding === 'pkcs1') {
    const cek = pkcs1Unwrap(privateKey, modulus, wrappedCek, CEK_BYTES)
    const iv = pkcs1Unwrap(privateKey, modulus, wrappedIv, IV_BYTES)
    return judgedContentKey(ours, cek, iv)
  }
  const cek = oaepUnwrap(privateKey, modulus, wrappedCek)
  const iv = oaepUnwrap(privateKey, modulus, wrappedIv)
  const block = ivForm === 'start' ? startBlock(iv) : ofLength(iv, IV_BYTES)
  return judgedContentKey(ours, ofLength(cek, CEK_BYTES), block)
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
