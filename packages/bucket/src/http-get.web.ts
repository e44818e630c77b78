import { CseError } from '@oss-cse/crypto-core'
import { connectionError, type HttpGet, statusError } from './http-get.ts'
import { readStream } from './read-stream.ts'

export type { HttpGet, HttpGetRequest } from './http-get.ts'

/** By `fetch`, which decompresses what is stored with a Content-Encoding: such an object is refused. */
export const httpGet: HttpGet = async ({ url, headers, signal }) => {
  // A browser sets Accept-Encoding itself and forbids others to.
  const { 'accept-encoding': _set, ...sent } = headers
  const response = await fetch(url, { headers: sent, redirect: 'error', ...(signal && { signal }) }).catch(
    (error: unknown) => {
      throw signal?.aborted
        ? signal.reason
        : connectionError(error instanceof TypeError ? 'fetch failed' : 'the connection broke')
    },
  )
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
  return { status: response.status, headers: answered, body: readBody(response.body, signal) }
}

async function* readBody(
  stream: ReadableStream<Uint8Array> | null,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (stream === null) return
  try {
    yield* readStream(stream)
  } catch {
    throw signal?.aborted ? signal.reason : connectionError('the connection broke')
  }
}
