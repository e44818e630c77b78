import { createDecipheriv, createHash } from 'node:crypto'
import { CseError, decodeBase64, encodeBase64, wipe } from '@oss-cse/crypto-core'
import type { KeyData, KeyPlace } from './key-place.ts'
import type { Passphrase } from './pem.ts'
import { invalidKey, isWholeDerSequence, type PemBlock, pemBlocks, unreadable } from './pem-block.ts'

const KEY_BYTES = 24
/** The size of each MD5 hash that the key is made of. */
const HASH_BYTES = 16
/** The encryption that oss2's RSA library applies to a public key when a passphrase is set. */
const DEK_INFO = /^DEK-Info:\s*DES-EDE3-CBC,([0-9A-F]{16})$/i

/**
 * Decrypts a public key that is encrypted like a legacy private key (`Proc-Type: 4,ENCRYPTED`). oss2 2.19
 * oss2/crypto.py `LocalRsaProvider` writes its public key file this way when it has a passphrase. OpenSSL reads such a
 * block only for private keys. The encryption protects no secret, because the key is public, and it authenticates
 * nothing.
 *
 * @returns the PEM text in plaintext; any other input unchanged
 * @throws CseError `ERR_CSE_INVALID_KEY`, `ERR_CSE_PASSPHRASE`
 */
export function clearPublicPem<Data extends KeyData>(
  pem: Data,
  passphrase: Passphrase | undefined,
  place: KeyPlace,
): Data | string {
  const block = pemBlocks(pem, place).find(({ label, encrypted }) => encrypted && label === 'PUBLIC KEY')
  if (block === undefined) return pem
  const salt = block.headers.flatMap((line) => DEK_INFO.exec(line)?.[1] ?? [])[0]
  if (salt === undefined) {
    throw invalidKey(
      `${place.subject} is encrypted, but not the way oss2 encrypts it. Derive it again from the private key, in plaintext: \`openssl pkey -pubout\`.`,
    )
  }
  if (passphrase === undefined) {
    throw new CseError(
      'ERR_CSE_PASSPHRASE',
      `${place.subject} is encrypted. Pass its passphrase in the \`passphrase\` option.`,
    )
  }
  const der = decrypt(block, Buffer.from(salt, 'hex'), Buffer.from(passphrase), place)
  return `-----BEGIN PUBLIC KEY-----\n${encodeBase64(der)}\n-----END PUBLIC KEY-----\n`
}

function decrypt(block: PemBlock, salt: Buffer, passphrase: Buffer, place: KeyPlace): Uint8Array {
  const ciphertext = decodeBase64(block.base64)
  if (ciphertext === undefined) throw unreadable(place)
  let der: Uint8Array = new Uint8Array()
  const key = keyOf(passphrase, salt)
  try {
    const decipher = createDecipheriv('des-ede3-cbc', key, salt)
    der = Buffer.concat([decipher.update(ciphertext), decipher.final()])
  } catch {
    // The check below also catches the garbage that a wrong passphrase decrypts to.
  }
  wipe(key)
  if (isWholeDerSequence(der)) return der
  throw new CseError(
    'ERR_CSE_PASSPHRASE',
    `${place.subject} could not be decrypted: the passphrase is wrong, or the file is damaged. If it is damaged, derive it again from the private key, in plaintext: \`openssl pkey -pubout\`.`,
  )
}

/** OpenSSL's legacy key derivation, one round: each hash covers the previous one. */
function keyOf(passphrase: Uint8Array, salt: Uint8Array): Uint8Array {
  const first = createHash('md5').update(passphrase).update(salt).digest()
  const second = createHash('md5').update(first).update(passphrase).update(salt).digest()
  const key = new Uint8Array(KEY_BYTES)
  key.set(first)
  key.set(second.subarray(0, KEY_BYTES - HASH_BYTES), HASH_BYTES)
  wipe(first, second)
  return key
}
