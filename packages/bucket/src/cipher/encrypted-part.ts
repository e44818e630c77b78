import {
  type CallOptions,
  type ContentKey,
  CseError,
  type ObjectBody,
  type PartRange,
  type PutObjectResponse,
  type WorkerSide,
} from '@oss-cse/crypto-core'
import {
  DIGEST_BYTES,
  equalBytes,
  exactChunks,
  PartDigester,
  PIECE_BYTES,
  partDigest,
  startCipherRun,
} from '@oss-cse/crypto-core/internal'
import { type ByteSource, sourceCheck } from '../source/byte-source.ts'

/** The ciphertext of one part. Each `open` returns the same bytes. */
export interface EncryptedPart extends ObjectBody {
  /** The stored length in bytes. */
  readonly sizeBytes: number
  /** The digest of the part: 16 bytes, or 32 bytes of a sealed object's. */
  readonly digest: Uint8Array
  /** CRC-64 of the ciphertext. */
  readonly crc64: bigint
  /**
   * Sends the bytes from where they are, if that is another thread. Rejects as the request of a transport. Resolves with
   * `undefined` if that thread cannot send.
   */
  send?(side: WorkerSide, options: SendOptions): Promise<PutObjectResponse | undefined>
  /**
   * Releases the bytes. Must be called once, when the part is no longer needed.
   *
   * @param reusable - false when a connection may still read the bytes, so that the memory must not be reused
   */
  release(reusable: boolean): void
}

/** Options of sending a part. */
export interface SendOptions extends CallOptions {
  /** Called with the number of bytes sent so far. */
  readonly onSentBytes: (sentBytes: number) => void
}

/** The most bytes of ciphertext that an upload keeps in memory for its running parts. Further parts are read twice. */
export const MAX_HELD_BYTES: number = 64 * 1024 ** 2

/** What is computed of a part's ciphertext. */
export type PartDigest = Pick<EncryptedPart, 'digest' | 'crc64'>

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
  const { ciphertext, digests } = encryptingPass(source, range, contentKey)
  for await (const chunk of ciphertext) chunks.push(chunk)
  const { pieceDigests, crc64 } = digests()
  const digest = partDigest(pieceDigests)
  return { digest, crc64, sizeBytes: range.sizeBytes, open: () => eachChunk(chunks), release: () => {} }
}

/**
 * Encrypts one part that is too large for memory: once for its digests, and again each time it is sent. Each piece is
 * compared before it is sent, so a changed source is never sent under the same counter.
 *
 * @throws CseError `ERR_CSE_SOURCE` when the source fails or does not have the part's length. `open` throws
 * `ERR_CSE_SOURCE_CHANGED` when the source returns other bytes than before.
 *
 * @param contentKey - returns the key, for each pass again; throws once it was wiped
 */
export async function encryptPartTwice(
  source: ByteSource,
  range: PartRange,
  contentKey: () => ContentKey,
): Promise<EncryptedPart> {
  const { partNumber, offsetBytes, sizeBytes } = range
  const first = encryptingPass(source, range, contentKey())
  for await (const _ of first.ciphertext);
  const { pieceDigests, crc64 } = first.digests()
  async function* compared(): AsyncGenerator<Uint8Array, void, undefined> {
    const key = contentKey()
    const digester = new PartDigester(key, offsetBytes)
    const run = startCipherRun({ direction: 'encrypt', contentKey: key, offsetBytes })
    let position = 0
    try {
      for await (const piece of exactChunks(run.transform(source, sourceCheck({ sizeBytes })), PIECE_BYTES)) {
        await digester.update(piece)
        const expected = pieceDigests.subarray(position, position + DIGEST_BYTES)
        if (!equalBytes(await digester.endPiece(), expected)) throw sourceChanged(partNumber)
        position += DIGEST_BYTES
        yield piece
      }
    } finally {
      digester.dispose()
    }
  }
  return { digest: partDigest(pieceDigests), crc64, sizeBytes, open: compared, release: () => {} }
}

/** Encrypts one part only for its digests. */
export async function digestPart(
  source: ByteSource,
  range: PartRange,
  contentKey: ContentKey,
): Promise<PartDigest> {
  const { ciphertext, digests } = encryptingPass(source, range, contentKey)
  for await (const _ of ciphertext);
  const { pieceDigests, crc64 } = digests()
  return { digest: partDigest(pieceDigests), crc64 }
}

/** The error of a part whose plaintext has changed since it was first encrypted. */
export function sourceChanged(partNumber: number): CseError {
  return new CseError(
    'ERR_CSE_SOURCE_CHANGED',
    `Part ${partNumber} differs from what was encrypted before: the source changed. Start a new upload, because encrypting both with one key would reveal them.`,
  )
}

/** What one pass over a part computes. */
interface PassDigests {
  /** The digests of the pieces, of which `partDigest` makes that of the part. */
  readonly pieceDigests: Uint8Array
  readonly crc64: bigint
}

/** One pass over a part: its ciphertext and, after that, its digests. */
export function encryptingPass(
  source: ByteSource,
  { offsetBytes, sizeBytes }: PartRange,
  contentKey: ContentKey,
): { readonly ciphertext: AsyncIterable<Uint8Array>; readonly digests: () => PassDigests } {
  const run = startCipherRun({
    direction: 'encrypt',
    contentKey,
    offsetBytes,
    crc64: true,
    pieceDigests: true,
  })
  const digests = () => {
    const { pieceDigests, crc64 } = run.digests()
    if (pieceDigests === undefined || crc64 === undefined)
      throw new TypeError('The part was not read to its end.')
    return { pieceDigests, crc64 }
  }
  return { ciphertext: run.transform(source, sourceCheck({ sizeBytes })), digests }
}

/** Chunks that are in memory. */
export async function* eachChunk(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void, undefined> {
  yield* chunks
}
