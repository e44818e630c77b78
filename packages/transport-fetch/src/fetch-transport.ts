import {
  CseError,
  concatBytes,
  type GetByUrlRequest,
  type GetObjectResponse,
  type HeaderMap,
  type UrlTransport,
} from '@oss-cse/crypto-core'
import { OSS_HEADER_PREFIX } from '@oss-cse/crypto-core/internal'
import { connectionError, foreignResponse, statusError } from './url-errors.ts'

/** How much of a refusal's document is read, in bytes. */
const REFUSAL_BYTES = 16 * 1024

/**
 * Nothing of the request, nor of what comes back, is for anybody else: an HTTP cache would hand out an object that was replaced
 * long ago, and a referrer is the page's address.
 */
const PRIVATE: RequestInit = { cache: 'no-store', credentials: 'omit', referrerPolicy: 'no-referrer' }

/**
 * Reads objects through presigned URLs by `fetch`, in a browser, in a worker, and in Node.js. It has no other operation.
 *
 * `fetch` tells nothing of a connection that stands still: there is no idle timeout, and a call without a `signal` waits as
 * long as the runtime does.
 *
 * @example
 * ```ts
 * const bucket = new CryptoBucket({ transport: new FetchTransport(), provider })
 * const { body } = await bucket.getByUrl(url)
 * ```
 */
export class FetchTransport implements UrlTransport {
  /**
   * Reads an object, or a range of it, through a presigned URL. Read the body to its end or return its iterator: until then it
   * holds a connection.
   *
   * @throws TransportError that does not name the URL; `ERR_CSE_OPERATION_REFUSED` for an object that is stored with a
   * Content-Encoding, which `fetch` undoes; the signal's reason
   */
  async getByUrl({ url, headers, signal }: GetByUrlRequest): Promise<GetObjectResponse> {
    // A browser sets Accept-Encoding itself and forbids others to: gzip, unless there is a Range. The service then compresses
    // what looks like text, and leaves out its length. Without `x-oss-range-behavior` the range of an empty object is ignored.
    const { 'accept-encoding': _set, range = 'bytes=0-', ...sent } = headers
    const request = {
      ...supported(),
      headers: { ...sent, range },
      redirect: 'error',
      ...(signal && { signal }),
    } as const
    const response = await fetch(url, request).catch(() => {
      throw signal?.aborted ? signal.reason : connectionError('fetch failed')
    })
    const { status } = response
    const answered = Object.fromEntries(response.headers)
    if (status !== 200 && status !== 206) {
      const document = await readRefusal(response)
      throw signal?.aborted ? signal.reason : statusError(status, answered, document)
    }
    const encoding = answered['content-encoding']
    const refusal = isOfOss(answered)
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
    return { status, headers: answered, body: readBody(body, signal) }
  }
}

/** Some runtimes throw at an option that they do not have. */
function supported(): RequestInit {
  return Object.fromEntries(Object.entries(PRIVATE).filter(([option]) => option in Request.prototype))
}

/** A page sees only the headers that the bucket's CORS rule exposes: any one of the service's will do. */
function isOfOss(headers: HeaderMap): boolean {
  return Object.keys(headers).some((name) => name.startsWith(OSS_HEADER_PREFIX))
}

function decompressed(): CseError {
  return new CseError(
    'ERR_CSE_OPERATION_REFUSED',
    "The response has a Content-Encoding, which this runtime's fetch undoes before the object can be decrypted: read it in Node.js, through @oss-cse/transport-oss.",
  )
}

/** The document of a refusal, as far as it comes. The status is known without it. */
async function readRefusal({ body }: Response): Promise<Uint8Array> {
  const reader = body?.getReader()
  const chunks: Uint8Array[] = []
  let sizeBytes = 0
  try {
    while (reader !== undefined && sizeBytes < REFUSAL_BYTES) {
      const { done, value } = await reader.read()
      if (done) break
      chunks.push(value)
      sizeBytes += value.length
    }
  } catch {
    // What has come serves.
  }
  await reader?.cancel().catch(() => {})
  return concatBytes(chunks)
}

/** Not a generator: returning one before its first step, or during one, would not close the connection. */
function readBody(
  stream: ReadableStream<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncIterable<Uint8Array> {
  const reader = stream.getReader()
  const iterator: AsyncIterator<Uint8Array> = {
    async next() {
      try {
        const { done, value } = await reader.read()
        return done ? { done, value: undefined } : { done, value }
      } catch {
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
