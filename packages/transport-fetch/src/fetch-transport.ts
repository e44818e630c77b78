import {
  CseError,
  concatBytes,
  type GetByUrlRequest,
  type GetObjectResponse,
  type HeaderMap,
  orAborted,
  type UrlTransport,
} from '@oss-cse/crypto-core'
import { backgroundTimer, checkedPresignedUrl, OSS_HEADER_PREFIX } from '@oss-cse/crypto-core/internal'
import { connectionError, foreignResponse, redirected, statusError } from './url-errors.ts'

/** How many bytes of an error document are read. */
const REFUSAL_BYTES = 16 * 1024
/** How long the document of an error response may take, in milliseconds. The status is known without it. */
const REFUSAL_MS = 10_000

/**
 * Keeps request and response away from others: an HTTP cache could return an old version of the object, and a
 * referrer would send the address of the page.
 */
const PRIVATE: RequestInit = { cache: 'no-store', credentials: 'omit', referrerPolicy: 'no-referrer' }

/**
 * Reads objects through presigned URLs with `fetch`, in a browser, in a worker or in Node.js. It has no other
 * operation.
 *
 * `fetch` does not report idle connections, so there is no idle timeout. A call without a `signal` waits as long as
 * the runtime does.
 *
 * @example
 * ```ts
 * const bucket = new CryptoBucket({ transport: new FetchTransport(), provider })
 * const { body } = await bucket.getByUrl(url)
 * ```
 */
export class FetchTransport implements UrlTransport {
  /**
   * Reads an object, or a range of it, through a presigned URL. Read the body to its end or return its iterator.
   * Until then it holds a connection.
   *
   * @throws TransportError, which does not contain the URL; `ERR_CSE_OPERATION_REFUSED` for an object that is stored
   *   with a Content-Encoding, which `fetch` would decode; the signal's reason
   */
  async getByUrl({ url, headers, signal }: GetByUrlRequest): Promise<GetObjectResponse> {
    checkedPresignedUrl(url)
    // A browser sets Accept-Encoding itself and does not let others set it: gzip, unless there is a Range. The
    // service then compresses what looks like text, and omits its length. Without `x-oss-range-behavior` the range of
    // an empty object is ignored.
    const { 'accept-encoding': _set, range = 'bytes=0-', ...sent } = headers
    const request = {
      ...supported(),
      headers: { ...sent, range },
      // Not followed: the signature is for this address. A browser then hides the status, Node.js returns it.
      redirect: 'manual',
      ...(signal && { signal }),
    } as const
    const response = await fetch(url, request).catch(() => {
      throw signal?.aborted ? signal.reason : connectionError('fetch failed')
    })
    const { status } = response
    if (response.type === 'opaqueredirect') throw redirected()
    const responseHeaders = Object.fromEntries(response.headers)
    if (status !== 200 && status !== 206) {
      const document = await readRefusal(response, signal)
      throw signal?.aborted ? signal.reason : statusError(status, responseHeaders, document)
    }
    const encoding = responseHeaders['content-encoding']
    const refusal = isOfOss(responseHeaders)
      ? encoding !== undefined && encoding !== 'identity' && decompressed()
      : foreignResponse(
          status,
          'it has no x-oss- header. Check the URL and any proxy, and that the CORS rule of the bucket exposes x-oss-request-id and the x-oss-meta- headers',
        )
    if (refusal) {
      await response.body?.cancel()
      throw refusal
    }
    const body = response.body ?? new Blob().stream()
    return { status, headers: responseHeaders, body: readBody(body, signal) }
  }
}

/** Some runtimes throw for an option that they do not know. */
function supported(): RequestInit {
  return Object.fromEntries(Object.entries(PRIVATE).filter(([option]) => option in Request.prototype))
}

/** A page sees only the headers that the CORS rule of the bucket exposes. Any header of the service is enough. */
function isOfOss(headers: HeaderMap): boolean {
  return Object.keys(headers).some((name) => name.startsWith(OSS_HEADER_PREFIX))
}

function decompressed(): CseError {
  return new CseError(
    'ERR_CSE_OPERATION_REFUSED',
    'The response has a Content-Encoding, which the fetch of this runtime decodes before the object can be decrypted. Read the object in Node.js with @oss-cse/transport-oss.',
  )
}

/** Reads the document of an error response, as far as it arrives. The status is known without it. */
async function readRefusal({ body }: Response, signal: AbortSignal | undefined): Promise<Uint8Array> {
  const reader = body?.getReader()
  const stop = backgroundTimer(() => void reader?.cancel().catch(() => {}), REFUSAL_MS)
  const chunks: Uint8Array[] = []
  let sizeBytes = 0
  try {
    while (reader !== undefined && sizeBytes < REFUSAL_BYTES) {
      const { done, value } = await orAborted(reader.read(), signal)
      if (done) break
      chunks.push(value)
      sizeBytes += value.length
    }
  } catch {
    // Use what has arrived.
  }
  stop()
  // Not awaited: where the runtime has lost the signal, it may not end.
  void reader?.cancel().catch(() => {})
  return concatBytes(chunks)
}

/** Not a generator: returning a generator before its first step, or during a step, would not close the connection. */
function readBody(
  stream: ReadableStream<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncIterable<Uint8Array> {
  const reader = stream.getReader()
  const iterator: AsyncIterator<Uint8Array> = {
    async next() {
      try {
        // fetch of Node.js 20 and 22 forgets the signal when its request is collected as garbage (undici).
        const { done, value } = await orAborted(reader.read(), signal)
        return done ? { done, value: undefined } : { done, value }
      } catch {
        void reader.cancel().catch(() => {})
        throw signal?.aborted ? signal.reason : connectionError('the connection broke')
      }
    },
    async return() {
      await reader.cancel().catch(() => {})
      return { done: true, value: undefined }
    },
  }
  return { [Symbol.asyncIterator]: () => iterator }
}
