import { constants, type KeyObject, privateDecrypt, publicEncrypt } from 'node:crypto'
import { encodeBase64, wipe } from '@oss-cse/crypto-core'
import { ciphertextOrDummy } from './judged-unwrap.ts'
import { pkcs1Unpad, type UnpaddedMessage } from './pkcs1-unpad.ts'

/** Wraps bytes with RSAES-PKCS1-v1_5 and returns base64. */
export function pkcs1Wrap(publicKey: KeyObject, bytes: Uint8Array): string {
  return encodeBase64(publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_PADDING }, bytes))
}

/**
 * Unwraps one value of a known length, with one operation of the private key. Only if OpenSSL throws, the same work is
 * done with the dummy.
 */
export function pkcs1Unwrap(
  privateKey: KeyObject,
  modulus: Uint8Array,
  wrapped: string,
  messageLength: number,
): UnpaddedMessage {
  const { ciphertext, usable, dummy } = ciphertextOrDummy(wrapped, modulus)
  const decrypted = decryptRaw(privateKey, ciphertext)
  const block = decrypted ?? decryptRaw(privateKey, dummy) ?? dummy
  const { valid, message } = pkcs1Unpad(block, messageLength)
  wipe(block, dummy)
  return { valid: valid & usable & Number(decrypted !== undefined), message }
}

function decryptRaw(privateKey: KeyObject, ciphertext: Uint8Array): Uint8Array | undefined {
  try {
    return privateDecrypt({ key: privateKey, padding: constants.RSA_NO_PADDING }, ciphertext)
  } catch {
    return undefined
  }
}
