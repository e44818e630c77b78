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

/** A name of our own: what follows the nonce and the tag in the header is our own format. */
const WRAP_ALGORITHM = 'EXAMPLE/AES-256-GCM'
const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** What the provider is built from. */
export interface AesKekOptions {
  /** The key-encryption key, see {@link readAesKek}. */
  readonly key: KeyObject
  /** Names the key in the objects that it encrypts: a new name for each new key. */
  readonly materialDescription?: MaterialDescription | undefined
}

/**
 * A master key that is 32 bytes of AES: wraps with AES-256-GCM, as nonce, ciphertext and tag.
 *
 * Nonces are random, and a random nonce of 96 bits may be drawn 2^32 times per key (NIST SP 800-38D, 8.3). An object
 * takes two: make a new key long before 2^31 objects.
 */
export function createAesKekProvider({ key, materialDescription }: AesKekOptions): MasterKeyProvider {
  if (key.type !== 'secret' || key.symmetricKeySize !== KEY_BYTES) throw invalidKey()
  return createWrappingProvider({
    wrapAlgorithm: WRAP_ALGORITHM,
    materialDescription,
    wrap(bytes, { field }) {
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
      // Authenticated with the bytes: a wrapped IV never passes for a CEK, nor the other way round.
      cipher.setAAD(Buffer.from(field))
      return Buffer.concat([nonce, cipher.update(bytes), cipher.final(), cipher.getAuthTag()])
    },
    unwrap(wrapped, { field }) {
      // Node.js takes shorter tags too, unless it is told how long they are.
      const decipher = createDecipheriv('aes-256-gcm', key, wrapped.subarray(0, NONCE_BYTES), {
        authTagLength: TAG_BYTES,
      })
      decipher.setAAD(Buffer.from(field))
      decipher.setAuthTag(wrapped.subarray(-TAG_BYTES))
      // Throws when the tag is wrong. The helper makes the one error of it, and of all else that is thrown here.
      return Buffer.concat([decipher.update(wrapped.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()])
    },
  })
}

/**
 * Reads a key-encryption key: a file of 32 random bytes, or of their base64.
 *
 * @returns a `KeyObject`, which shows nothing of the key when it is printed
 * @throws CseError `ERR_CSE_INVALID_KEY`, which tells nothing of what the file holds; what `readFile` throws
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
