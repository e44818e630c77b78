import { type ContentKey, decodeBase64, unwrapFailed, wipe } from '@oss-cse/crypto-core'
import type { UnpaddedMessage } from './pkcs1-unpad.ts'
import { randomBelowModulus } from './rsa-key.ts'

/** The input of the private key operation for a header value. */
export interface UsableCiphertext {
  /** The bytes of the value, or the dummy if they are no ciphertext of this key. */
  readonly ciphertext: Uint8Array
  /** 1 if these are the bytes of the value, otherwise 0. */
  readonly usable: number
  /** A random number that is valid input for every key of this size. The caller wipes it. */
  readonly dummy: Uint8Array
}

/**
 * Returns the ciphertext of a header. An impossible ciphertext is replaced by a dummy. So the same work is done for
 * it, and no failure is faster than another.
 */
export function ciphertextOrDummy(wrapped: string, modulus: Uint8Array): UsableCiphertext {
  const dummy = randomBelowModulus(modulus.length)
  const ciphertext = decodeBase64(wrapped) ?? new Uint8Array()
  // OpenSSL would read a shorter ciphertext as a smaller number, and refuse a larger number without the work.
  const inRange = ciphertext.length === modulus.length && Buffer.compare(ciphertext, modulus) < 0
  return { ciphertext: inRange ? ciphertext : dummy, usable: Number(inRange), dummy }
}

/**
 * Checks both unwrapped values at once.
 *
 * @param ours - 1 if this key unwraps envelopes of this kind, otherwise 0
 * @throws CseError `ERR_CSE_UNWRAP_FAILED`, and wipes both
 */
export function judgedContentKey(ours: number, cek: UnpaddedMessage, iv: UnpaddedMessage): ContentKey {
  if ((ours & cek.valid & iv.valid) === 0) {
    wipe(cek.message, iv.message)
    throw unwrapFailed()
  }
  return { cek: cek.message, iv: iv.message }
}
