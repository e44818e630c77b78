import { CseError, concatBytes, type HeaderMap } from '@oss-cse/crypto-core'
import { connectionError, foreignResponse, type HttpGet, REFUSAL_BYTES, statusError } from './http-get.ts'

export type { HttpGet, HttpGetRequest } from './http-get.ts'

/**
 * Nothing of the request, nor of what comes back, is for anybody else: an HTTP cache would hand out an object that was replaced
 * long ago, and a referrer is the page's address.
 */
const PRIVATE: RequestInit = { cache: 'no-store', credentials: 'omit', referrerPolicy: 'no-referrer' }

/** Some runtimes throw at an option that they do not have. */
function supported(): RequestInit {
  return Object.fromEntries(Object.entries(PRIVATE).filter(([option]) => option in Request.prototype))
}

/** By `fetch`, which decompresses what is stored with a Content-Encoding: such an object is refused. */
export const httpGet: HttpGet = async ({ url, headers, signal }) => {
  // A browser sets Accept-Encoding itself and forbids others to: gzip, unless there is a Range. The service then compresses
  // what looks like text, and leaves out its length. Without `x-oss-range-behavior` the range of an empty object is ignored.
  const { 'accept-encoding': _set, range = 'bytes=0-', ...sent } = headers
  const request = { ...supported(), headers: { ...sent, range }, redirect: 'error', signal } as const
  const response = await fetch(url, request).catch(() => {
    throw signal.aborted ? signal.reason : connectionError('fetch failed')
  })
  const { status } = response
  const answered = Object.fromEntries(response.headers)
  if (status !== 200 && status !== 206) {
    const document = await readRefusal(response)
    throw signal.aborted ? signal.reason : statusError(status, answered, document)
  }
  const encoding = answered['content-encoding']
  const refusal = isOfOss(answered)
    ? encoding !== undefined && encoding !== 'identity' && decompressed(encoding)
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

/** A page sees only the headers that the bucket's CORS rule exposes: any one of the service's will do. */
function isOfOss(headers: HeaderMap): boolean {
  return Object.keys(headers).some((name) => name.startsWith('x-oss-'))
}

function decompressed(encoding: string): CseError {
  return new CseError(
    'ERR_CSE_OPERATION_REFUSED',
    `The response has Content-Encoding ${encoding}, which this runtime's fetch undoes before it can be decrypted: read the object in Node.js.`,
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
function readBody(stream: ReadableStream<Uint8Array>, signal: AbortSignal): AsyncIterable<Uint8Array> {
  const reader = stream.getReader()
  const iterator: AsyncIterator<Uint8Array> = {
    async next() {
      try {
        const { done, value } = await reader.read()
        return done ? { done, value: undefined } : { done, value }
      } catch {
        throw signal.aborted ? signal.reason : connectionError('the connection broke')
      }
    },
    async return() {
      await reader.cancel().catch(() => {})
      return { done: true, value: undefined }
    },
  }
  return { [Symbol.asyncIterator]: () => iterator }
}
