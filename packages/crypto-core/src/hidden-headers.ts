import { EXPOSE_HEADERS } from './exposed-headers.ts'
import { OSS_HEADERS, V1_HEADERS, V2_HEADERS } from './headers.ts'
import type { HeaderMap } from './ports.ts'

/** The headers without which an encrypted object looks like a plain one, or like one of another key. */
const DECIDING: readonly string[] = [
  OSS_HEADERS.objectType,
  ...Object.values(V2_HEADERS),
  ...Object.values(V1_HEADERS),
]
/** The headers without which a read is not checked, does not continue safely, or does not see stored bytes. */
const VERIFYING: readonly string[] = ['etag', OSS_HEADERS.crc64, 'content-encoding']
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
 * Returns the headers that a page may not be able to read, if a read depends on them: those that decide whether an object is
 * encrypted, its checksum, its ETag, and its encoding. Without the checksum a read would be checked by its length alone.
 * Without the ETag a read that continues could mix two versions of an object.
 *
 * A hidden header looks like a missing one. The list of exposed headers is itself a header: if the rule exposes it, the
 * response says what a page can read. Without it, a complete envelope proves that its own headers are exposed, and the
 * service sends an ETag with each response that it does not compress. Nothing proves that a checksum is hidden: the
 * service has none for some objects.
 *
 * @param headers - what a page sees of a successful response to a read, under a CORS rule. Names in lower case
 * @returns their names. Empty if what the page sees is enough
 */
export function hiddenReadHeaders(headers: HeaderMap): readonly string[] {
  const list = headers[EXPOSE_HEADERS]
  if (list !== undefined) {
    const exposed = new Set(list.toLowerCase().split(/\s*,\s*/))
    return [...VERIFYING, ...DECIDING].filter((name) => !exposed.has(name))
  }
  // Each page can read the length, and a compressed response has none.
  const isHiddenEtag = !Object.hasOwn(headers, 'etag') && Object.hasOwn(headers, 'content-length')
  return [...(isHiddenEtag ? ['etag'] : []), ...hiddenEnvelope(headers)]
}

/** Without the list of exposed headers: those that are missing from a complete envelope. */
function hiddenEnvelope(headers: HeaderMap): readonly string[] {
  // The envelope of a link is that of its target.
  if (headers[OSS_HEADERS.objectType] === 'Symlink') return []
  for (const required of [V2_REQUIRED, V1_REQUIRED]) {
    const hidden = required.filter((name) => !Object.hasOwn(headers, name))
    if (hidden.length < required.length) return hidden
  }
  return [EXPOSE_HEADERS, ...DECIDING]
}
