import { concatBytes } from '../bytes.ts'
import type { ObjectBody } from '../ports.ts'

/** Returns bytes that differ between all offsets that a test could confuse. */
export function pattern(sizeBytes: number): Uint8Array {
  return Uint8Array.from({ length: sizeBytes }, (_, i) => (i * 31 + (i >> 8)) & 0xff)
}

/** Reads a whole body. */
export async function collected(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return concatBytes(chunks)
}

/** Makes the body of an upload. */
export function bodyOf(chunks: readonly Uint8Array[], sizeBytes?: number): ObjectBody {
  return {
    ...(sizeBytes !== undefined && { sizeBytes }),
    async *open() {
      yield* chunks
    },
  }
}

/** The headers of an envelope that the service accepts. */
export const envelopeHeaders = {
  'x-oss-meta-client-side-encryption-key': 'a2V5',
  'x-oss-meta-client-side-encryption-start': 'c3RhcnQ=',
  'x-oss-meta-client-side-encryption-cek-alg': 'AES/CTR/NoPadding',
  'x-oss-meta-client-side-encryption-wrap-alg': 'TEST/AES-KW',
}

/** The headers that an encrypted multipart upload adds to its envelope. */
export function multipartHeaders(dataSize: number, partSize: number): Record<string, string> {
  return {
    'x-oss-meta-client-side-encryption-data-size': String(dataSize),
    'x-oss-meta-client-side-encryption-part-size': String(partSize),
  }
}
