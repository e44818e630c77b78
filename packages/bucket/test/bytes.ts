/** Bytes that differ at any two offsets that a test could confuse. */
export function pattern(sizeBytes: number): Uint8Array {
  return Uint8Array.from({ length: sizeBytes }, (_, i) => (i * 31 + (i >> 8) * 7) & 0xff)
}

/** A source of chunks with the given sizes, repeated. */
export async function* chunked(bytes: Uint8Array, ...sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let offset = 0
  for (let i = 0; offset < bytes.length; i++) {
    const size = sizes[i % sizes.length] ?? bytes.length
    yield bytes.slice(offset, offset + size)
    offset += size
  }
}

/** A body that fails after some bytes. */
export async function* broken(
  body: AsyncIterable<Uint8Array>,
  afterBytes: number,
  error: unknown,
): AsyncGenerator<Uint8Array> {
  let left = afterBytes
  for await (const chunk of body) {
    if (chunk.length >= left) {
      if (left > 0) yield chunk.slice(0, left)
      throw error
    }
    left -= chunk.length
    yield chunk
  }
}

/** The first index where two arrays differ; `undefined` if they are equal. Faster than an assertion on long ones. */
export function difference(actual: Uint8Array, expected: Uint8Array): number | undefined {
  const length = Math.max(actual.length, expected.length)
  for (let i = 0; i < length; i++) if (actual[i] !== expected[i]) return i
  return undefined
}
