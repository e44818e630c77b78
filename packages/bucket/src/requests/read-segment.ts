import { type ByteChunks, type ClosedRange, concatBytes } from '@oss-cse/crypto-core'
import type { Segment } from '@oss-cse/crypto-core/internal'

/**
 * Reads the stored bytes of one segment of a sealed object.
 *
 * @param read - reads a range of the stored bytes
 */
export async function readSegment(
  { storedOffset: start, storedBytes }: Segment,
  read: (range: ClosedRange) => ByteChunks,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of read({ start, end: start + storedBytes - 1 })) chunks.push(chunk)
  return concatBytes(chunks)
}
