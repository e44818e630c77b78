import { type HeaderMap, orAborted } from '@oss-cse/crypto-core'
import type { RequestContext } from '@oss-cse/crypto-core/internal'
import { noResponse, redirected } from './network-errors.ts'

/**
 * Keeps request and response away from others: an HTTP cache could return an old version of the object, and a
 * referrer would send the address of the page.
 */
const PRIVATE: RequestInit = { cache: 'no-store', credentials: 'omit', referrerPolicy: 'no-referrer' }

/** A request as it is sent. */
export interface OutgoingRequest {
  readonly method: string
  readonly url: string
  readonly headers: HeaderMap
  /** Never a stream: browsers send one only over HTTP/2, or send other bytes. */
  readonly content?: Uint8Array<ArrayBuffer> | undefined
  readonly signal?: AbortSignal | undefined
}

/** A response of any status. */
export interface IncomingResponse {
  readonly status: number
  readonly headers: HeaderMap
  /** As in `Response`. */
  readonly type: string
  /** The body. `undefined` if there is none. */
  readonly stream?: ReadableStream<Uint8Array> | undefined
}

/**
 * Sends a request with `fetch`.
 *
 * @throws TransportError `ERR_CSE_NETWORK`, or `ERR_CSE_SERVICE` for a redirect that a browser hides; the signal's reason
 */
export async function fetchRequest(
  { method, url, headers, content, signal }: OutgoingRequest,
  context: RequestContext,
): Promise<IncomingResponse> {
  const request: RequestInit = {
    ...supported(),
    method,
    headers,
    // Not followed: the signature is for this address. A browser then hides the status, Node.js returns it.
    redirect: 'manual',
    ...(content !== undefined && { body: content }),
    ...(signal && { signal }),
  }
  const response = await orAborted(fetch(url, request), signal).catch(() => {
    throw signal?.aborted ? signal.reason : noResponse(context)
  })
  if (response.type === 'opaqueredirect') throw redirected(context)
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    type: response.type,
    stream: response.body ?? undefined,
  }
}

/** Some runtimes throw for an option that they do not know. */
function supported(): RequestInit {
  return Object.fromEntries(Object.entries(PRIVATE).filter(([option]) => option in Request.prototype))
}
