import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { invalidParameter } from './error-catalog.ts'
import type { KeyRecord, KeyVersion } from './key-record.ts'
import { assertUsable, type KeyStore } from './key-store.ts'

const VERSION_ID_LENGTH = 36
const NONCE_LENGTH = 12
const TAG_LENGTH = 16

/** A text that is encrypted with a key's primary version. */
export interface SealedText {
  /** The base64 of the version id in ASCII, a nonce, the ciphertext and its tag. */
  readonly ciphertextBlob: string
  readonly keyVersionId: string
}

/** The content of a blob. */
export interface OpenedText {
  readonly plaintext: string
  readonly key: KeyRecord
  readonly keyVersionId: string
}

/** Encrypts a text with a key's primary version. */
export function sealText(key: KeyRecord, plaintext: string, context: Uint8Array): SealedText {
  const version = key.versions.find(({ versionId }) => versionId === key.primaryVersionId)
  if (version === undefined) throw new Error('The key has no primary version.')
  const nonce = randomBytes(NONCE_LENGTH)
  const cipher = createCipheriv('aes-256-gcm', materialOf(version), nonce)
  cipher.setAAD(context)
  const parts = [
    Buffer.from(version.versionId, 'ascii'),
    nonce,
    cipher.update(plaintext, 'utf8'),
    cipher.final(),
    cipher.getAuthTag(),
  ]
  return { ciphertextBlob: Buffer.concat(parts).toString('base64'), keyVersionId: version.versionId }
}

/**
 * Decrypts a blob. Each fault of the blob or of its context throws the same error.
 *
 * @throws KmsError `InvalidParameter`
 * @throws KmsError the errors of `assertUsable`
 */
export function openBlob(
  store: KeyStore,
  blob: string,
  context: Uint8Array,
  onKey: (key: KeyRecord) => void,
): OpenedText {
  const bytes = Buffer.from(blob, 'base64')
  const isWhole = bytes.length >= VERSION_ID_LENGTH + NONCE_LENGTH + TAG_LENGTH
  if (!isWhole || bytes.toString('base64') !== blob) throw invalidBlob()
  const found = store.findVersion(bytes.toString('latin1', 0, VERSION_ID_LENGTH))
  if (found === undefined) throw invalidBlob()
  const { key, version } = found
  onKey(key)
  assertUsable(key)
  const start = VERSION_ID_LENGTH + NONCE_LENGTH
  const decipher = createDecipheriv(
    'aes-256-gcm',
    materialOf(version),
    bytes.subarray(VERSION_ID_LENGTH, start),
    {
      authTagLength: TAG_LENGTH,
    },
  )
  decipher.setAAD(context)
  decipher.setAuthTag(bytes.subarray(-TAG_LENGTH))
  try {
    const plaintext = Buffer.concat([decipher.update(bytes.subarray(start, -TAG_LENGTH)), decipher.final()])
    return { plaintext: plaintext.toString('utf8'), key, keyVersionId: version.versionId }
  } catch {
    throw invalidBlob()
  }
}

function invalidBlob(): Error {
  return invalidParameter('CiphertextBlob')
}

function materialOf(version: KeyVersion): Uint8Array {
  if (version.material === undefined) throw new Error('The key version has no material.')
  return Buffer.from(version.material, 'base64')
}
