import type { GetByUrlRequest, GetObjectResponse, UrlTransport } from '@oss-cse/crypto-core'
import { getByUrl } from './calls/get-by-url.ts'

/**
 * Reads objects through presigned URLs with `fetch`, in a browser, in a worker or in Node.js. It has no other
 * operation, and needs no options. For a page that has only links; `FetchTransport` can read them too.
 *
 * `fetch` does not report idle connections, so there is no idle timeout. A call without a `signal` waits as long as
 * the runtime does.
 *
 * @example
 * ```ts
 * const bucket = new CryptoBucket({ transport: new FetchUrlTransport(), provider })
 * const { body } = await bucket.getByUrl(url)
 * for await (const chunk of body) show(chunk)
 * ```
 */
export class FetchUrlTransport implements UrlTransport {
  /**
   * Reads an object, or a range of it, through a presigned URL. Read the body to its end or return its iterator.
   * Until then it holds a connection.
   *
   * @throws TransportError, which does not contain the URL; `ERR_CSE_OPERATION_REFUSED` for an object that is stored
   *   with a Content-Encoding, which `fetch` would decode; the signal's reason
   */
  getByUrl(request: GetByUrlRequest): Promise<GetObjectResponse> {
    return getByUrl(request)
  }
}
