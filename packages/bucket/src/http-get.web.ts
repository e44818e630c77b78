import { CseError } from '@oss-cse/crypto-core'
import { connectionError, type HttpGet, statusError } from './http-get.ts'

export type { HttpGet, HttpGetRequest } from './http-get.ts'

/** By `fetch`, which decompresses what is stored with a Content-Encoding: such an object is refused. */
export const httpGet: HttpGet = async ({ url, headers, signal }) => {
  // A browser sets Accept-Encoding itself and forbids others to.
  const { 'accept-encoding': _set, ...sent } = headers
  const response = await fetch(url, { headers: sent, redirect: 'error', signal }).catch(() => {
    throw signal.aborted ? signal.reason : connectionError('fetch failed')
  })
  const answered = Object.fromEntries(response.headers)
  if (response.status !== 200 && response.status !== 206) {
    await response.body?.cancel()
    throw statusError(response.status, answered)
  }
  const encoding = answered['content-encoding']
  if (encoding !== undefined && encoding !== 'identity') {
    await response.body?.cancel()
    throw new CseError(
      'ERR_CSE_OPERATION_REFUSED',
      `The object is stored with Content-Encoding ${encoding}, which this runtime's fetch undoes before it can be decrypted: read it in Node.js.`,
    )
  }
  const body = response.body ?? new Blob().stream()
  return { status: response.status, headers: answered, body: readBody(body, signal) }
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
