import { constants, type KeyObject, privateDecrypt, publicEncrypt } from 'node:crypto'
import { encodeBase64, wipe } from '@oss-cse/crypto-core'
import { ciphertextOrDummy } from './judged-unwrap.ts'
import type { UnpaddedMessage } from './pkcs1-unpad.ts'

/** The parameters of oss2's LocalRsaProvider: SHA-1 for the empty label and for MGF1. */
const OAEP_SHA1: { readonly padding: number; readonly oaepHash: string } = {
  padding: constants.RSA_PKCS1_OAEP_PADDING,
  oaepHash: 'sha1',
}

/** Wraps bytes and returns base64. */
export function oaepWrap(publicKey: KeyObject, bytes: Uint8Array): string {
  return encodeBase64(publicEncrypt({ key: publicKey, ...OAEP_SHA1 }, bytes))
}

/**
 * Unwraps one value of any length. OpenSSL does the RSA work before it checks the padding, and it checks the padding in
 * constant time. Anyone who can tell its checks apart can decrypt with the key (Manger, 2001).
 *
 * @returns the message, which is empty if OpenSSL throws; `valid` is 1 if the message can be trusted
 */
export function oaepUnwrap(privateKey: KeyObject, modulus: Uint8Array, wrapped: string): UnpaddedMessage {
  const { ciphertext, usable, dummy } = ciphertextOrDummy(wrapped, modulus)
  const decrypted = decryptOaep(privateKey, ciphertext)
  // A copy that owns its memory: a wipe of it reaches every byte.
  const message = Uint8Array.from(decrypted ?? [])
  wipe(dummy, decrypted ?? dummy)
  return { valid: usable & Number(decrypted !== undefined), message }
}

function decryptOaep(privateKey: KeyObject, ciphertext: Uint8Array): Uint8Array | undefined {
  try {
    return privateDecrypt({ key: privateKey, ...OAEP_SHA1 }, ciphertext)
  } catch {
    return undefined
  }
}
