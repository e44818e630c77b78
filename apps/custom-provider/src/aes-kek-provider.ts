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

/** Our own name, because nonce, ciphertext and tag in the header are our own format. */
const WRAP_ALGORITHM = 'EXAMPLE/AES-256-GCM'
const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** Options of the provider. */
export interface AesKekOptions {
  /** The key-encryption key. See {@link readAesKek}. */
  readonly key: KeyObject
  /** The name of the key in the objects that it encrypts. Use a new name for each new key. */
  readonly materialDescription?: MaterialDescription | undefined
}

/**
 * A master key of 32 bytes for AES. It wraps with AES-256-GCM, as nonce, ciphertext and tag.
 *
 * Nonces are random. At most 2^32 random nonces of 96 bits may be used per key (NIST SP 800-38D, 8.3). An object
 * takes two. Make a new key long before 2^31 objects.
 */
export function createAesKekProvider({ key, materialDescription }: AesKekOptions): MasterKeyProvider {
  if (key.type !== 'secret' || key.symmetricKeySize !== KEY_BYTES) throw invalidKey()
  return createWrappingProvider({
    wrapAlgorithm: WRAP_ALGORITHM,
    materialDescription,
    wrap(bytes, { field }) {
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
      // Authenticated with the bytes, so a wrapped IV never passes for a CEK, nor the other way round.
      cipher.setAAD(Buffer.from(field))
      return Buffer.concat([nonce, cipher.update(bytes), cipher.final(), cipher.getAuthTag()])
    },
    unwrap(wrapped, { field }) {
      // Without an explicit length, Node.js also accepts shorter tags.
      const decipher = createDecipheriv('aes-256-gcm', key, wrapped.subarray(0, NONCE_BYTES), {
        authTagLength: TAG_BYTES,
      })
      decipher.setAAD(Buffer.from(field))
      decipher.setAuthTag(wrapped.subarray(-TAG_BYTES))
      // Throws when the tag is wrong. The helper turns every error that is thrown here into the same one.
      return Buffer.concat([decipher.update(wrapped.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()])
    },
  })
}

/**
 * Reads a key-encryption key from a file of 32 random bytes, or of their base64.
 *
 * @returns a `KeyObject`, which does not show the key when it is printed
 * @throws CseError `ERR_CSE_INVALID_KEY`, which does not reveal the content of the file; the errors of `readFile`
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
