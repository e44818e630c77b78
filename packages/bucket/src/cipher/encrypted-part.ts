import {
  type ContentKey,
  CseError,
  encodeBase64,
  type ObjectBody,
  type PartRange,
} from '@oss-cse/crypto-core'
import { exactChunks, startCipherRun } from '@oss-cse/crypto-core/internal'
import { createSha256 } from '@oss-cse/crypto-core/sha256'
import { type ByteSource, sourceCheck } from '../source/byte-source.ts'

/** The size in bytes of a chunk that is compared and then sent, of a part that is read twice. */
const COMPARED_BYTES = 1024 * 1024

/** The ciphertext of one part. Each `open` returns the same bytes. */
export interface EncryptedPart extends ObjectBody {
  readonly sizeBytes: number
  /** SHA-256 of the ciphertext, base64. */
  readonly sha256: string
  /** CRC-64 of the ciphertext. */
  readonly crc64: bigint
  /**
   * Releases the bytes. Must be called once, when the part is no longer needed.
   *
   * @param reusable - false when a connection may still read the bytes, so that the memory must not be reused
   */
  release(reusable: boolean): void
}

/** The digests of a part's ciphertext. */
export type PartDigest = Pick<EncryptedPart, 'sha256' | 'crc64'>

/**
 * Encrypts one part and keeps its ciphertext in memory, so that each attempt sends the same bytes.
 *
 * @throws CseError `ERR_CSE_SOURCE` when the source fails or does not have the part's length.
 */
export async function encryptPartInMemory(
  source: ByteSource,
  range: PartRange,
  contentKey: ContentKey,
): Promise<EncryptedPart> {
  const chunks: Uint8Array[] = []
  const { ciphertext, digest } = encryption(source, range, contentKey)
  for await (const chunk of ciphertext) chunks.push(chunk)
  return { ...digest(), sizeBytes: range.sizeBytes, open: () => each(chunks), release: () => {} }
}

/**
 * Encrypts one part that is too large for memory: once for its digests, and again each time it is sent. Each chunk is
 * compared before it is sent, so a changed source is never sent under the same counter.
 *
 * @throws CseError `ERR_CSE_SOURCE` when the source fails or does not have the part's length. `open` throws
 * `ERR_CSE_SOURCE_CHANGED` when the source returns other bytes than before.
 *
 * @param contentKey - returns the key, for each pass anew; throws once it was wiped
 */
export async function encryptPartTwice(
  source: ByteSource,
  range: PartRange,
  contentKey: () => ContentKey,
): Promise<EncryptedPart> {
  const expected: string[] = []
  const first = encryption(source, range, contentKey())
  for await (const chunk of exactChunks(first.ciphertext, COMPARED_BYTES)) {
    expected.push(await sha256Of(chunk))
  }
  async function* compared(): AsyncGenerator<Uint8Array, void, undefined> {
    const { ciphertext } = encryption(source, range, contentKey())
    let index = 0
    for await (const chunk of exactChunks(ciphertext, COMPARED_BYTES)) {
      if ((await sha256Of(chunk)) !== expected[index]) throw sourceChanged(range.partNumber)
      index += 1
      yield chunk
    }
  }
  return { ...first.digest(), sizeBytes: range.sizeBytes, open: compared, release: () => {} }
}

/** Encrypts one part only for its digests. */
export async function digestPart(
  source: ByteSource,
  range: PartRange,
  contentKey: ContentKey,
): Promise<PartDigest> {
  const { ciphertext, digest } = encryption(source, range, contentKey)
  for await (const _ of ciphertext);
  return digest()
}

/** The error of a part whose plaintext has changed since it was first encrypted. */
export function sourceChanged(partNumber: number): CseError {
  return new CseError(
    'ERR_CSE_SOURCE_CHANGED',
    `Part ${partNumber} differs from what was encrypted before: the source changed. Start a new upload, because encrypting both with one key would reveal them.`,
  )
}

/** One pass over a part: its ciphertext and, after that, its digests. */
function encryption(
  source: ByteSource,
  { offsetBytes, sizeBytes }: PartRange,
  contentKey: ContentKey,
): { readonly ciphertext: AsyncIterable<Uint8Array>; readonly digest: () => PartDigest } {
  const run = startCipherRun({
    direction: 'encrypt',
    contentKey,
    offsetBytes,
    crc64: true,
    sha256: true,
  })
  const digest = (): PartDigest => {
    const { sha256, crc64 } = run.digests()
    if (sha256 === undefined || crc64 === undefined) throw new TypeError('The part was not read to its end.')
    return { sha256: encodeBase64(sha256), crc64 }
  }
  return { ciphertext: run.transform(source, sourceCheck({ sizeBytes })), digest }
}

async function sha256Of(chunk: Uint8Array): Promise<string> {
  const sha256 = await createSha256()
  sha256.update(chunk)
  return encodeBase64(sha256.digest())
}

async function* each(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void, undefined> {
  yield* chunks
}
