import { createDecipheriv, createHash } from 'node:crypto'
import { CseError, decodeBase64, encodeBase64, wipe } from '@oss-cse/crypto-core'
import type { KeyData, KeyPlace } from './key-place.ts'
import type { Passphrase } from './pem.ts'
import { invalidKey, isWholeDerSequence, type PemBlock, pemBlocks, unreadable } from './pem-block.ts'

const KEY_BYTES = 24
/** Of the MD5 hashes that the key is made of. */
const HASH_BYTES = 16
/** The form that oss2's RSA library gives a public key when it has a passphrase. */
const DEK_INFO = /^DEK-Info:\s*DES-EDE3-CBC,([0-9A-F]{16})$/i

/**
 * Decrypts a public key that is encrypted like an old private one (`Proc-Type: 4,ENCRYPTED`). oss2 2.19
 * oss2/crypto.py `LocalRsaProvider` writes its public key file so when it has a passphrase; OpenSSL reads such a block
 * for private keys only. The encryption keeps nothing secret that matters, and proves nothing.
 *
 * @returns the PEM text in plaintext; anything else as it is
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
      `${place.subject} is encrypted in another way than oss2 does it. Derive it afresh from the private key, in clear: \`openssl pkey -pubout\`.`,
    )
  }
  if (passphrase === undefined) {
    throw new CseError(
      'ERR_CSE_PASSPHRASE',
      `${place.subject} is encrypted. Give its passphrase in the \`passphrase\` option.`,
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
    // Judged below, like what a wrong passphrase decrypts to.
  }
  wipe(key)
  if (isWholeDerSequence(der)) return der
  throw new CseError(
    'ERR_CSE_PASSPHRASE',
    `${place.subject} could not be decrypted: the passphrase is wrong, or the file is damaged (then derive it afresh from the private key, in clear: \`openssl pkey -pubout\`).`,
  )
}

/** OpenSSL's old key derivation, one round: each hash covers the one before it. */
function keyOf(passphrase: Uint8Array, salt: Uint8Array): Uint8Array {
  const first = createHash('md5').update(passphrase).update(salt).digest()
  const second = createHash('md5').update(first).update(passphrase).update(salt).digest()
  const key = new Uint8Array(KEY_BYTES)
  key.set(first)
  key.set(second.subarray(0, KEY_BYTES - HASH_BYTES), HASH_BYTES)
  wipe(first, second)
  return key
}
