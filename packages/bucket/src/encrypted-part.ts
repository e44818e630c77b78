import {
  type ContentKey,
  CseError,
  CtrCipher,
  coalesceChunks,
  createCrc64,
  encodeBase64,
  exactChunks,
  type ObjectBody,
  type PartRange,
} from '@oss-cse/crypto-core'
import { createSha256 } from '@oss-cse/crypto-core/sha256'
import { type ByteSource, checkedSource } from './byte-source.ts'

/** How much of a part that is read twice is compared, and then sent, at a time, in bytes. */
const COMPARED_BYTES = 1024 * 1024

/** The ciphertext of one part: the same bytes however often it is opened. */
export interface EncryptedPart extends ObjectBody {
  readonly sizeBytes: number
  /** SHA-256 of the ciphertext, base64. */
  readonly sha256: string
  /** CRC-64 of the ciphertext. */
  readonly crc64: bigint
}

/** What is known of a part's ciphertext once it was computed. */
export type PartDigest = Pick<EncryptedPart, 'sha256' | 'crc64'>

/**
 * Encrypts one part and keeps its ciphertext in memory, so that it can be sent, and sent again, unchanged.
 *
 * @throws CseError `ERR_CSE_SOURCE` when the source fails or does not have the part's length.
 */
export async function encryptPartInMemory(
  source: ByteSource,
  range: PartRange,
  contentKey: ContentKey,
): Promise<EncryptedPart> {
  const chunks: Uint8Array[] = []
  const digest = await digestOf(ciphertext(source, range, contentKey, coalesceChunks), (chunk) =>
    chunks.push(chunk),
  )
  return { ...digest, sizeBytes: range.sizeBytes, open: () => each(chunks) }
}

/**
 * Encrypts one part that is too large for memory: once for its digests, and once more whenever it is sent. Each
 * chunk is then compared before it goes on, so that a source that changed never leaves under the same counter.
 *
 * @throws CseError `ERR_CSE_SOURCE` when the source fails or does not have the part's length; opened,
 * `ERR_CSE_SOURCE_CHANGED` when it gives other bytes than before.
 */
export async function encryptPartTwice(
  source: ByteSource,
  range: PartRange,
  contentKey: ContentKey,
): Promise<EncryptedPart> {
  const exact = (chunks: AsyncIterable<Uint8Array>) => exactChunks(chunks, COMPARED_BYTES)
  const expected: string[] = []
  const digest = await digestOf(ciphertext(source, range, contentKey, exact), async (chunk) =>
    expected.push(await sha256Of(chunk)),
  )
  async function* compared(): AsyncGenerator<Uint8Array, void, undefined> {
    let index = 0
    for await (const chunk of ciphertext(source, range, contentKey, exact)) {
      if ((await sha256Of(chunk)) !== expected[index]) throw sourceChanged(range.partNumber)
      index += 1
      yield chunk
    }
  }
  return { ...digest, sizeBytes: range.sizeBytes, open: compared }
}

/** Encrypts one part for its digests alone. */
export async function digestPart(
  source: ByteSource,
  range: PartRange,
  contentKey: ContentKey,
): Promise<PartDigest> {
  return digestOf(ciphertext(source, range, contentKey, coalesceChunks), () => {})
}

/** The error of a part whose plaintext is not what it was when it was first encrypted. */
export function sourceChanged(partNumber: number): CseError {
  return new CseError(
    'ERR_CSE_SOURCE_CHANGED',
    `Part ${partNumber} is not what it was when it was first encrypted: the source changed. Encrypting both under one key would reveal them, so a new upload is needed.`,
  )
}

function ciphertext(
  source: ByteSource,
  { offsetBytes, sizeBytes }: PartRange,
  contentKey: ContentKey,
  cut: (chunks: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const plaintext = checkedSource({ ...source, sizeBytes, open: () => source.open() })
  return new CtrCipher(contentKey, { offsetBytes }).transform(cut(plaintext))
}

async function digestOf(
  chunks: AsyncIterable<Uint8Array>,
  onChunk: (chunk: Uint8Array) => unknown,
): Promise<PartDigest> {
  const sha256 = await createSha256()
  const crc64 = await createCrc64()
  for await (const chunk of chunks) {
    sha256.update(chunk)
    crc64.update(chunk)
    await onChunk(chunk)
  }
  return { sha256: encodeBase64(sha256.digest()), crc64: crc64.value() }
}

async function sha256Of(chunk: Uint8Array): Promise<string> {
  const sha256 = await createSha256()
  sha256.update(chunk)
  return encodeBase64(sha256.digest())
}

async function* each(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void, undefined> {
  yield* chunks
}
