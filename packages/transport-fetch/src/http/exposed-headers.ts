import { type HeaderMap, OSS_HEADERS } from '@oss-cse/crypto-core'
import { EXPOSE_HEADERS, type RequestContext, V1_HEADERS, V2_HEADERS } from '@oss-cse/crypto-core/internal'
import { hiddenHeaders } from './network-errors.ts'

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
const V1_REQUIRED = [V1_HEADERS.wrappedCek, V1_HEADERS.wrappedStart]

/** A successful response to a read. */
interface ReadResponse {
  readonly status: number
  readonly headers: HeaderMap
  /** As in `Response`: `cors` where a CORS rule decides which headers are readable. */
  readonly type: string
}

/**
 * Checks that a page does not take an encrypted object for a plain one because it may not read the envelope.
 *
 * A hidden header looks like a missing one. There are two proofs that nothing is hidden. The list of exposed headers is
 * itself a header: if the rule exposes it, the response says what a page can read. Without it, a complete envelope
 * proves that its own headers are exposed. A response with neither proof is refused.
 *
 * @throws TransportError `ERR_CSE_SERVICE` that names the headers to expose
 */
export function checkExposedHeaders({ status, headers, type }: ReadResponse, context: RequestContext): void {
  if (headers[OSS_HEADERS.requestId] === undefined)
    throw hiddenHeaders(context, status, [OSS_HEADERS.requestId])
  if (type !== 'cors') return
  const list = headers[EXPOSE_HEADERS]
  if (list !== undefined) {
    const exposed = new Set(list.toLowerCase().split(/\s*,\s*/))
    const hidden = DECIDING.filter((name) => !exposed.has(name))
    if (hidden.length > 0) throw hiddenHeaders(context, status, hidden)
    return
  }
  // The envelope of a link is that of its target.
  if (headers[OSS_HEADERS.objectType] === 'Symlink') return
  for (const required of [V2_REQUIRED, V1_REQUIRED]) {
    const hidden = required.filter((name) => !Object.hasOwn(headers, name))
    if (hidden.length === 0) return
    if (hidden.length < required.length) throw hiddenHeaders(context, status, hidden)
  }
  throw hiddenHeaders(context, status, [EXPOSE_HEADERS, ...DECIDING])
}
