import { concatBytes } from './bytes.ts'

/** The smallest chunk, in bytes, that the cipher and the checksum should see: small ones cost more per byte. */
export const CHUNK_BYTES: number = 256 * 1024

/**
 * Joins small chunks until each (but the last) holds at least `minBytes`. A chunk that is large enough passes
 * uncopied. Holds less than `minBytes` plus one chunk.
 */
export async function* coalesceChunks(
  source: AsyncIterable<Uint8Array>,
  minBytes: number = CHUNK_BYTES,
): AsyncGenerator<Uint8Array, void, undefined> {
  let pending: Uint8Array[] = []
  let pendingBytes = 0
  for await (const chunk of source) {
    if (chunk.length === 0) continue
    pending.push(chunk)
    pendingBytes += chunk.length
    if (pendingBytes >= minBytes) {
      yield concatBytes(pending)
      pending = []
      pendingBytes = 0
    }
  }
  if (pendingBytes > 0) yield concatBytes(pending)
}

/** Cuts and joins chunks so that each (but the last) holds exactly `sizeBytes`. One that does passes uncopied. */
export async function* exactChunks(
  source: AsyncIterable<Uint8Array>,
  sizeBytes: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let pending: Uint8Array[] = []
  let pendingBytes = 0
  for await (const chunk of source) {
    let rest = chunk
    while (pendingBytes + rest.length >= sizeBytes) {
      const missing = sizeBytes - pendingBytes
      yield concatBytes([...pending, rest.subarray(0, missing)].filter(({ length }) => length > 0))
      rest = rest.subarray(missing)
      pending = []
      pendingBytes = 0
    }
    if (rest.length === 0) continue
    pending.push(rest)
    pendingBytes += rest.length
  }
  if (pendingBytes > 0) yield concatBytes(pending)
}
