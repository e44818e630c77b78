import type { PartRange } from '@oss-cse/crypto-core'
import {
  equalBytes,
  type SegmentCipher,
  sealedPartDigest,
  startSealRun,
  TAG_BYTES,
} from '@oss-cse/crypto-core/internal'
import { type ByteSource, sourceCheck } from '../source/byte-source.ts'
import { type EncryptedPart, eachChunk, type PartDigest, sourceChanged } from './encrypted-part.ts'
import { sealedRunOf } from './sealed-segments.ts'

/** One part of a sealed object, and what it is sealed with. */
export interface SealedPartOptions {
  readonly range: PartRange
  /** Returns a cipher for each pass, which disposes of it; throws once the key was wiped. */
  readonly cipher: () => SegmentCipher
}

/**
 * Seals one part and keeps it in memory, so that each attempt sends the same bytes.
 *
 * @throws CseError `ERR_CSE_SOURCE` when the source fails or does not have the part's length.
 */
export async function sealPartInMemory(
  source: ByteSource,
  options: SealedPartOptions,
): Promise<EncryptedPart> {
  const chunks: Uint8Array[] = []
  const { stored, result } = sealingPass(source, options)
  for await (const chunk of stored) chunks.push(chunk)
  const { tags, crc64 } = result()
  const sizeBytes = options.range.storedBytes
  return {
    digest: sealedPartDigest(tags),
    crc64,
    sizeBytes,
    open: () => eachChunk(chunks),
    release: () => {},
  }
}

/**
 * Seals one part that is too large for memory: once for its digest, and again each time it is sent. The tag of each segment
 * is compared before the segment is sent, so that no nonce ever carries two plaintexts.
 *
 * @throws CseError `ERR_CSE_SOURCE` when the source fails or does not have the part's length. `open` throws
 * `ERR_CSE_SOURCE_CHANGED` when the source returns other bytes than before.
 */
export async function sealPartTwice(source: ByteSource, options: SealedPartOptions): Promise<EncryptedPart> {
  const { partNumber, storedBytes: sizeBytes } = options.range
  const first = sealingPass(source, options)
  for await (const _ of first.stored);
  const { tags, crc64 } = first.result()
  async function* compared(): AsyncGenerator<Uint8Array, void, undefined> {
    let position = 0
    for await (const segment of sealingPass(source, options).stored) {
      const expected = tags.subarray(position, position + TAG_BYTES)
      if (!equalBytes(segment.subarray(-TAG_BYTES), expected)) throw sourceChanged(partNumber)
      position += TAG_BYTES
      yield segment
    }
  }
  return { digest: sealedPartDigest(tags), crc64, sizeBytes, open: compared, release: () => {} }
}

/** Seals one part only for its digest. */
export async function digestSealedPart(source: ByteSource, options: SealedPartOptions): Promise<PartDigest> {
  const { stored, result } = sealingPass(source, options)
  for await (const _ of stored);
  const { tags, crc64 } = result()
  return { digest: sealedPartDigest(tags), crc64 }
}

/** One pass over a part: its stored bytes, a chunk for each segment, and after that what was computed. */
export function sealingPass(
  source: ByteSource,
  { range, cipher }: SealedPartOptions,
): {
  readonly stored: AsyncIterable<Uint8Array>
  /** `tags`: the tags of the segments, of which `sealedPartDigest` makes the digest of the part. */
  readonly result: () => { readonly tags: Uint8Array; readonly crc64: bigint }
} {
  const run = startSealRun({ cipher: cipher(), ...sealedRunOf(range), tags: true })
  const { sizeBytes } = range
  return {
    stored: run.transform(source, sourceCheck({ sizeBytes })),
    result: () => run.result(),
  }
}
