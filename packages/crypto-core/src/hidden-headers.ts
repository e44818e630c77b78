import { EXPOSE_HEADERS } from './exposed-headers.ts'
import { OSS_HEADERS, V1_HEADERS, V2_HEADERS } from './headers.ts'
import type { HeaderMap } from './ports.ts'

/** The headers without which an encrypted object looks like a plain one, or like one of another key. */
const DECIDING: readonly string[] = [
  OSS_HEADERS.objectType,
  ...Object.values(V2_HEADERS),
  ...Object.values(V1_HEADERS),
]
const V2_REQUIRED = [
  V2_HEADERS.wrappedCek,
  V2_HEADERS.wrappedIv,
  V2_HEADERS.cekAlgorithm,
  V2_HEADERS.wrapAlgorithm,
]
const V1_REQUIRED = [
  V1_HEADERS.wrappedCek,
  V1_HEADERS.wrappedStart,
  V1_HEADERS.cekAlgorithm,
  V1_HEADERS.wrapAlgorithm,
]

/**
 * Returns the headers that a page may not be able to read, if they decide whether an object is encrypted.
 *
 * A hidden header looks like a missing one. There are two proofs that nothing is hidden. The list of exposed headers is
 * itself a header: if the rule exposes it, the response says what a page can read. Without it, a complete envelope
 * proves that its own headers are exposed.
 *
 * @param headers - what a page sees of a successful response to a read, under a CORS rule. Names in lower case
 * @returns their names. Empty if what the page sees is certain
 */
export function hiddenDecidingHeaders(headers: HeaderMap): readonly string[] {
  const list = headers[EXPOSE_HEADERS]
  if (list !== undefined) {
    const exposed = new Set(list.toLowerCase().split(/\s*,\s*/))
    return DECIDING.filter((name) => !exposed.has(name))
  }
  // The envelope of a link is that of its target.
  if (headers[OSS_HEADERS.objectType] === 'Symlink') return []
  for (const required of [V2_REQUIRED, V1_REQUIRED]) {
    const hidden = required.filter((name) => !Object.hasOwn(headers, name))
    if (hidden.length < required.length) return hidden
  }
  return [EXPOSE_HEADERS, ...DECIDING]
}
