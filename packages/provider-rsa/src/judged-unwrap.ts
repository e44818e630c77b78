import { type ContentKey, decodeBase64, unwrapFailed, wipe } from '@oss-cse/crypto-core'
import type { UnpaddedMessage } from './pkcs1-unpad.ts'
import { randomBelowModulus } from './rsa-key.ts'

/** What is put to the private key in place of a header's value. */
export interface UsableCiphertext {
  /** The value's bytes, or the dummy where they are no ciphertext of this key. */
  readonly ciphertext: Uint8Array
  /** 1 when these are the value's own bytes, else 0. */
  readonly usable: number
  /** A random number that every such key computes with. The caller wipes it. */
  readonly dummy: Uint8Array
}

/**
 * The ciphertext that a header holds. One that cannot be unwrapped at all is replaced by a dummy, so that the same
 * work is done for it, and no failure is faster than another.
 */
export function ciphertextOrDummy(wrapped: string, modulus: Uint8Array): UsableCiphertext {
  const dummy = randomBelowModulus(modulus.length)
  const ciphertext = decodeBase64(wrapped) ?? new Uint8Array()
  // OpenSSL would take a shorter ciphertext for a smaller number, and refuse a larger number without the work.
  const inRange = ciphertext.length === modulus.length && Buffer.compare(ciphertext, modulus) < 0
  return { ciphertext: inRange ? ciphertext : dummy, usable: Number(inRange), dummy }
}

/**
 * Judges what was unwrapped, all of it at once.
 *
 * @param ours - 1 when the envelope is of a kind that this key unwraps, else 0
 * @throws CseError `ERR_CSE_UNWRAP_FAILED`, and wipes both
 */
export function judgedContentKey(ours: number, cek: UnpaddedMessage, iv: UnpaddedMessage): ContentKey {
  if ((ours & cek.valid & iv.valid) === 0) {
    wipe(cek.message, iv.message)
    throw unwrapFailed()
  }
  return { cek: cek.message, iv: iv.message }
}
