import type { ByteChunks } from '@oss-cse/crypto-core'

/**
 * Holds each chunk back until the next one has arrived. So the last chunk leaves only after the source has ended, and has made
 * its own checks. A request with a body of a known length stores nothing without it.
 */
export function withheldEnd(source: ByteChunks): ByteChunks {
  async function* chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    let held: Uint8Array | undefined
    for await (const chunk of source) {
      if (chunk.length === 0) continue
      if (held !== undefined) yield held
      held = chunk
    }
    if (held !== undefined) yield held
  }
  const recycle = source.recycle?.bind(source)
  return recycle === undefined ? chunks() : Object.assign(chunks(), { recycle })
}
