import { type ContentKey, decodeBase64, unwrapFailed, wipe } from '@oss-cse/crypto-core'
import type { UnpaddedMessage } from './pkcs1-unpad.ts'
import { randomBelowModulus } from './rsa-key.ts'

/** The input for the private key: a header's value, or a dummy. */
export interface UsableCiphertext {
  /** The value's bytes, or the dummy if they are not a possible ciphertext of this key. */
  readonly ciphertext: Uint8Array
  /** 1 if `ciphertext` is the value's own bytes, else 0. */
  readonly usable: number
  /** A random number below any modulus of this length. The caller wipes it. */
  readonly dummy: Uint8Array
}

/**
 * Decodes the ciphertext of a header. A dummy replaces a value that cannot be unwrapped at all. The same work is then
 * done for each value, and no failure is faster than another.
 */
export function ciphertextOrDummy(wrapped: string, modulus: Uint8Array): UsableCiphertext {
  const dummy = randomBelowModulus(modulus.length)
  const ciphertext = decodeBase64(wrapped) ?? new Uint8Array()
  // OpenSSL would accept a shorter ciphertext as a smaller number, and refuse a larger number without the RSA work.
  const inRange = ciphertext.length === modulus.length && Buffer.compare(ciphertext, modulus) < 0
  return { ciphertext: inRange ? ciphertext : dummy, usable: Number(inRange), dummy }
}

/**
 * Checks all unwrapped values at once.
 *
 * @param ours - 1 if this key unwraps this kind of envelope, else 0
 * @throws CseError `ERR_CSE_UNWRAP_FAILED`. Both messages are then wiped.
 */
export function judgedContentKey(ours: number, cek: UnpaddedMessage, iv: UnpaddedMessage): ContentKey {
  if ((ours & cek.valid & iv.valid) === 0) {
    wipe(cek.message, iv.message)
    throw unwrapFailed()
  }
  return { cek: cek.message, iv: iv.message }
}
