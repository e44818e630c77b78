import {
  type CseErrorCode,
  decodeBase64,
  encodeBase64,
  type HeaderMap,
  isRetryableStatus,
  orAborted,
  TransportError,
  wipe,
} from '@oss-cse/crypto-core'
import { backgroundTimer } from '@oss-cse/crypto-core/internal'
import {
  CONTENT_TYPE,
  type KeyCall,
  type KeyRequest,
  type KeyResult,
  PROTOCOL_VERSION,
  REQUEST_HEADER,
  type SealedResults,
} from './key-protocol.ts'
import { decryptResults, ephemeralKey } from './response-key.ts'

/** Where the key server is, and how it is called. */
export interface KeyServerAddress {
  readonly url: URL
  readonly headers: (() => HeaderMap | Promise<HeaderMap>) | undefined
  readonly credentials: RequestCredentials
  readonly timeoutMs: number
}

/** Some runtimes throw for an option that they do not know. */
function supported(options: RequestInit): RequestInit {
  return Object.fromEntries(Object.entries(options).filter(([option]) => option in Request.prototype))
}

/**
 * Sends requests to the key server in one call.
 *
 * @param abort - ends the call; it also ends by itself when it takes too long
 * @returns a result for each request, in their order
 * @throws TransportError `ERR_CSE_ACCESS_DENIED`, `ERR_CSE_NETWORK`, `ERR_CSE_TIMEOUT`, `ERR_CSE_THROTTLED`,
 * `ERR_CSE_SERVICE`; errors of `headers`; the reason of the abort
 */
export async function callKeyServer(
  { url, headers, credentials, timeoutMs }: KeyServerAddress,
  requests: readonly KeyRequest[],
  abort: AbortController,
): Promise<readonly KeyResult[]> {
  const { signal } = abort
  const stop = backgroundTimer(() => abort.abort(late(timeoutMs)), timeoutMs)
  try {
    const [own, given] = await orAborted(Promise.all([ephemeralKey(), headers?.()]), signal)
    const body: KeyCall = { version: PROTOCOL_VERSION, publicKey: encodeBase64(own.publicKey), requests }
    const response = await orAborted(
      fetch(url, {
        ...supported({ cache: 'no-store', credentials, referrerPolicy: 'no-referrer' }),
        method: 'POST',
        headers: { ...given, 'content-type': CONTENT_TYPE, [REQUEST_HEADER]: String(PROTOCOL_VERSION) },
        body: JSON.stringify(body),
        // Not followed: the call is for this server. A browser then hides the status. `error` is unknown to some runtimes.
        redirect: 'manual',
        signal,
      }),
      signal,
    ).catch(() => {
      throw signal.aborted ? signal.reason : unreachable()
    })
    if (response.status !== 200) {
      void response.body?.cancel().catch(() => {})
      throw statusError(response.status)
    }
    const sealed = await orAborted(response.json(), signal).catch(() => undefined)
    signal.throwIfAborted()
    const { publicKey, ciphertext } = (sealed ?? {}) as Partial<SealedResults>
    const [theirs, bytes] = [decoded(publicKey), decoded(ciphertext)]
    const text = theirs && bytes && (await decryptResults(bytes, theirs, own).catch(() => undefined))
    const results = text && resultsIn(text)
    signal.throwIfAborted()
    if (results?.length !== requests.length) throw unusable()
    return results
  } finally {
    stop()
  }
}

function resultsIn(text: Uint8Array): readonly KeyResult[] | undefined {
  try {
    const { results } = JSON.parse(new TextDecoder().decode(text)) as { readonly results?: unknown }
    return Array.isArray(results) ? results : undefined
  } catch {
    return undefined
  } finally {
    wipe(text)
  }
}

/** A response has the keys of up to 100 objects, so that it may be longer than what `decodeBase64` takes. */
function decoded(text: unknown): Uint8Array<ArrayBuffer> | undefined {
  if (typeof text !== 'string') return undefined
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
  } catch {
    return undefined
  }
}

/** Decodes a value that has exactly so many bytes. */
export function decodedBytes(text: unknown, lengthBytes: number): Uint8Array {
  const bytes = typeof text === 'string' ? decodeBase64(text) : undefined
  if (bytes?.length === lengthBytes) return bytes
  throw unusable()
}

/** The error of a response that is not one of a key server. */
export function unusable(): TransportError {
  return new TransportError(
    'ERR_CSE_SERVICE',
    'The response is not one of a key server. Check its URL and any proxy, and that page and server have the same version of @oss-cse/provider-remote.',
    { retryable: false, status: 200 },
  )
}

function unreachable(): TransportError {
  return new TransportError(
    'ERR_CSE_NETWORK',
    'The key server could not be reached. The browser does not say why: it is offline, the server is down, or CORS (the server must allow this origin, and the headers of the request).',
    { retryable: true },
  )
}

function late(timeoutMs: number): TransportError {
  return new TransportError('ERR_CSE_TIMEOUT', `The key server did not respond within ${timeoutMs} ms.`, {
    retryable: true,
  })
}

const REFUSALS: ReadonlySet<number> = new Set([401, 403])
const THROTTLED: ReadonlySet<number> = new Set([429, 503])

function statusError(status: number): TransportError {
  const [code, hint]: readonly [CseErrorCode, string] = REFUSALS.has(status)
    ? ['ERR_CSE_ACCESS_DENIED', 'The session may have ended: sign in again.']
    : THROTTLED.has(status)
      ? ['ERR_CSE_THROTTLED', 'It receives too many requests.']
      : ['ERR_CSE_SERVICE', status < 400 ? 'Is it a redirect? Check its URL.' : 'Check its URL, and its log.']
  return new TransportError(code, `The key server refused the call with status ${status}. ${hint}`, {
    status,
    retryable: isRetryableStatus(status),
  })
}
