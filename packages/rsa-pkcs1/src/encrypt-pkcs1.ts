import { bytesOf, numberOf } from './big-endian.ts'
import { publicPower } from './public-power.ts'
import type { RsaPublicKey } from './rsa-public-key.ts'

/** Two bytes before the padding, at least eight of padding, and the zero behind it (RFC 8017, section 7.2.1). */
const OVERHEAD_BYTES = 11

/**
 * Encrypts a message with RSAES-PKCS1-v1_5 (RFC 8017, section 7.2.1). The padding is random, so each ciphertext differs.
 *
 * Use it only where a format prescribes this padding. Anyone who decrypts must not show which ciphertexts have a valid padding.
 *
 * @param key - a key of `parseRsaPublicKey`
 * @param message - at most 11 bytes shorter than the key, so 245 bytes for a key of 2,048 bits. It is not changed.
 * @returns the ciphertext, which is as long as the key
 * @throws RangeError if the message is too long
 *
 * @example
 * ```ts
 * const wrapped = encryptPkcs1(parseRsaPublicKey(pem), contentKey)
 * ```
 */
export function encryptPkcs1(key: RsaPublicKey, message: Uint8Array): Uint8Array<ArrayBuffer> {
  const { modulus, sizeBytes } = key
  const paddingBytes = sizeBytes - OVERHEAD_BYTES + 8 - message.length
  if (paddingBytes < 8) {
    throw new RangeError(
      `The message has ${message.length} bytes. This key encrypts at most ${sizeBytes - OVERHEAD_BYTES}.`,
    )
  }
  const block = new Uint8Array(sizeBytes)
  block[1] = 2
  fillWithoutZeros(block.subarray(2, 2 + paddingBytes))
  block.set(message, 3 + paddingBytes)
  const ciphertext = bytesOf(publicPower(numberOf(block), modulus), sizeBytes)
  block.fill(0)
  return ciphertext
}

/** A zero would end the padding. Each byte that is zero is drawn again, so that all others are equally likely. */
function fillWithoutZeros(padding: Uint8Array<ArrayBuffer>): void {
  crypto.getRandomValues(padding)
  for (let i = 0; i < padding.length; i++) {
    while (padding[i] === 0) crypto.getRandomValues(padding.subarray(i, i + 1))
  }
}
