import { CseError, decodeEnvelope, type ObjectTransport } from '@oss-cse/crypto-core'
import { createCrc64 } from '@oss-cse/crypto-core/internal'
import type { SourceObject } from '../objects/source-object.ts'
import { type ContentKeys, openPlaintext, type Plaintext } from './opened-source.ts'

/** Tells from two HEADs whether two objects have the same stored bytes. Without a checksum, it is not known. */
export function sameStoredBytes(one: SourceObject, other: SourceObject): boolean {
  return one.crc64 !== undefined && one.crc64 === other.crc64 && one.sizeBytes === other.sizeBytes
}

/** Two objects whose content is to be compared. */
export interface ComparedObjects {
  readonly keys: ContentKeys
  readonly source: SourceObject
  /** Reads the source. */
  readonly transport: ObjectTransport
  /** What was made of the source, under a fresh content key. */
  readonly placed: SourceObject
  /** Reads what was placed. */
  readonly destination: ObjectTransport
}

/**
 * Reads two objects to their end, and compares the length and the CRC-64 of their plaintext. A key that only encrypts cannot read
 * what was placed: then the recorded lengths are compared.
 *
 * @throws CseError as `CryptoBucket.get`
 */
export async function samePlaintext(compared: ComparedObjects): Promise<boolean> {
  const { keys, source, transport, placed, destination } = compared
  const original = await openPlaintext(transport, source, keys, {})
  if (keys.keyring.encrypting.canUnwrap === false) {
    await original.close()
    return decodeEnvelope(placed.headers)?.unencryptedContentLength === original.sizeBytes
  }
  const expected = await checksumOf(original)
  try {
    return expected === (await checksumOf(await openPlaintext(destination, placed, keys, {})))
  } catch (error) {
    if (CseError.isInstance(error) && UNREADABLE.has(error.code)) return false
    throw error
  }
}

/** What was placed is not what was sent. */
const UNREADABLE: ReadonlySet<string> = new Set(['ERR_CSE_INTEGRITY', 'ERR_CSE_AUTHENTICATION_FAILED'])

async function checksumOf({ bytes, sizeBytes }: Plaintext): Promise<string> {
  const crc = createCrc64()
  for await (const chunk of bytes) crc.update(chunk)
  return `${sizeBytes} ${crc.value()}`
}
