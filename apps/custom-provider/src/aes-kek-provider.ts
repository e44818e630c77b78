import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import {
  CseError,
  createWrappingProvider,
  decodeBase64,
  type MasterKeyProvider,
  type MaterialDescription,
  wipe,
} from '@oss-cse/crypto-core'

/** Our own name, because the header value (nonce, ciphertext and tag) is our own format. */
const WRAP_ALGORITHM = 'EXAMPLE/AES-256-GCM'
const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** Options of {@link createAesKekProvider}. */
export interface AesKekOptions {
  /** The key-encryption key. See {@link readAesKek}. */
  readonly key: KeyObject
  /** The name of the key in the objects that it encrypts. Give each new key a new name. */
  readonly materialDescription?: MaterialDescription | undefined
}

/**
 * Makes a provider whose master key is an AES key of 32 bytes. It wraps with AES-256-GCM: nonce, ciphertext, tag.
 *
 * The nonces are random. A key may use at most 2^32 random nonces of 96 bits (NIST SP 800-38D, 8.3). Each object uses
 * two, so make a new key long before 2^31 objects.
 */
export function createAesKekProvider({ key, materialDescription }: AesKekOptions): MasterKeyProvider {
  if (key.type !== 'secret' || key.symmetricKeySize !== KEY_BYTES) throw invalidKey()
  return createWrappingProvider({
    wrapAlgorithm: WRAP_ALGORITHM,
    materialDescription,
    wrap(bytes, { field }) {
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
      // The tag also covers the field: a wrapped IV is never accepted as a CEK, nor the reverse.
      cipher.setAAD(Buffer.from(field))
      return Buffer.concat([nonce, cipher.update(bytes), cipher.final(), cipher.getAuthTag()])
    },
    unwrap(wrapped, { field }) {
      // Without `authTagLength`, Node.js also accepts shorter tags.
      const decipher = createDecipheriv('aes-256-gcm', key, wrapped.subarray(0, NONCE_BYTES), {
        authTagLength: TAG_BYTES,
      })
      decipher.setAAD(Buffer.from(field))
      decipher.setAuthTag(wrapped.subarray(-TAG_BYTES))
      // Throws if the tag is wrong. createWrappingProvider turns each error that is thrown here into the same one.
      return Buffer.concat([decipher.update(wrapped.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()])
    },
  })
}

/**
 * Reads a key-encryption key from a file of 32 random bytes, raw or in base64.
 *
 * @returns a `KeyObject`, which does not show the key when it is printed
 * @throws CseError `ERR_CSE_INVALID_KEY`, which reveals nothing of the file's content
 * @throws the error of `readFile`
 */
export async function readAesKek(path: string): Promise<KeyObject> {
  const content = await readFile(path)
  const key = content.length === KEY_BYTES ? content : decodeBase64(content.toString('latin1').trim())
  try {
    if (key?.length !== KEY_BYTES) throw invalidKey()
    return createSecretKey(key)
  } finally {
    wipe(content, ...(key ? [key] : []))
  }
}

function invalidKey(): CseError {
  return new CseError(
    'ERR_CSE_INVALID_KEY',
    `The key-encryption key must be ${KEY_BYTES} bytes, raw or in base64.`,
  )
}
