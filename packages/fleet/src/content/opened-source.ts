import { CryptoBucket } from '@oss-cse/bucket'
import {
  type CallOptions,
  type ContentFormat,
  CseError,
  contentFormat,
  decodeEnvelope,
  type Keyring,
  type ObjectTransport,
} from '@oss-cse/crypto-core'
import { createMd5 } from '../md5.node.ts'
import type { SourceObject } from '../objects/source-object.ts'
import { interrupted, openStoredBytes, type StoredBytes } from './stored-bytes.ts'
import { withheldEnd } from './withheld-end.ts'

/** What reads and writes encrypted objects. */
export interface ContentKeys {
  /** Its encrypting key is the one that new content is under. Its others read what there is. */
  readonly keyring: Keyring
  /** The context of sealed objects by their key: see `CryptoBucketOptions.context`. */
  readonly context: ((key: string) => string) | undefined
}

/** Returns a bucket that sends each request once: the caller repeats the whole work on an object. */
export function bucketOf(
  transport: ObjectTransport,
  { keyring, context }: ContentKeys,
  format?: ContentFormat,
): CryptoBucket {
  return new CryptoBucket({ transport, keyring, context, format, retry: { maxAttempts: 1 } })
}

/**
 * As `openStoredBytes`, of a sealed object: every segment is opened and verified on its way. The bytes stay as they are stored.
 *
 * @throws CseError as `openStoredBytes`, and as `CryptoBucket.get`
 */
async function openSealedBytes(
  transport: ObjectTransport,
  source: SourceObject,
  keys: ContentKeys,
  { signal }: CallOptions,
): Promise<StoredBytes> {
  const stored = await openStoredBytes(transport, source, { signal })
  const passed: Uint8Array[] = []
  let requests = 0
  async function* watched(): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of stored.bytes) {
      // A copy, because the reader decrypts, and may use the memory of the chunk.
      passed.push(chunk.slice())
      yield chunk
    }
  }
  const tapped: ObjectTransport = {
    location: transport.location,
    put: transport.put.bind(transport),
    head: transport.head.bind(transport),
    async get(request) {
      requests += 1
      return requests === 1 ? { ...stored.response, body: watched() } : transport.get(request)
    },
  }
  const { key, versionId } = source
  async function* verified(): AsyncGenerator<Uint8Array, void, undefined> {
    const { body } = await bucketOf(tapped, keys).get(key, { versionId, signal })
    for await (const _ of body) {
      yield* passed.splice(0)
    }
    yield* passed.splice(0)
    // The reader fetched a part again that was not authentic, or was missing: the bytes that have passed are not what it verified.
    if (requests > 1) throw interrupted(key)
  }
  return { ...stored, bytes: withheldEnd(verified()) }
}

/**
 * Requests the bytes of an encrypted object as they are stored. What can be verified of them on their way is: the checksum of the
 * service, and each segment of a sealed object.
 *
 * @throws CseError as `openStoredBytes` and `openSealedBytes`
 */
export function openCiphertext(
  transport: ObjectTransport,
  source: SourceObject,
  keys: ContentKeys,
  options: CallOptions,
): Promise<StoredBytes> {
  const envelope = decodeEnvelope(source.headers)
  return envelope !== undefined && contentFormat(envelope) === 'sealed'
    ? openSealedBytes(transport, source, keys, options)
    : openStoredBytes(transport, source, options)
}

/** The plaintext of an object, on its way. */
export interface Plaintext {
  readonly sizeBytes: number
  /** To be read once. The last chunk comes after all checks of the source. */
  readonly bytes: AsyncIterable<Uint8Array>
  /** Closes the connection, if the bytes were not read to their end. */
  close(): Promise<void>
}

/**
 * Requests one state of an object, and decrypts it if it is encrypted. The bytes of a plain one are compared with its CRC-64, and
 * with its MD5 if it has one.
 *
 * @throws CseError as `openStoredBytes` and `CryptoBucket.get`
 */
export async function openPlaintext(
  transport: ObjectTransport,
  source: SourceObject,
  keys: ContentKeys,
  { signal }: CallOptions,
): Promise<Plaintext> {
  const { key, versionId, etag, sizeBytes, headers } = source
  if (decodeEnvelope(headers) === undefined) {
    const { bytes, close } = await openStoredBytes(transport, source, { signal })
    return { sizeBytes, bytes: withheldEnd(checkedMd5(bytes, key, headers['content-md5'])), close }
  }
  const read = await bucketOf(transport, keys).get(key, { versionId, headers: { 'if-match': etag }, signal })
  return {
    sizeBytes: read.sizeBytes,
    bytes: withheldEnd(read.body),
    // A body that was read to its end, or that its reader closed, has nothing to cancel.
    close: () => read.body.cancel().catch(() => {}),
  }
}

async function* checkedMd5(
  bytes: AsyncIterable<Uint8Array>,
  objectKey: string,
  expected: string | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (expected === undefined) return yield* bytes
  const hash = createMd5()
  for await (const chunk of bytes) {
    hash.update(chunk)
    yield chunk
  }
  if (hash.digest('base64') === expected) return
  throw new CseError(
    'ERR_CSE_INTEGRITY',
    `The bytes of ${objectKey} do not match the MD5 that the service keeps.`,
    {
      objectKey,
    },
  )
}
