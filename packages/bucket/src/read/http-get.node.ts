import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { concatBytes, OSS_HEADERS, TransportError } from '@oss-cse/crypto-core'
import { connectionError, foreignResponse, type HttpGet, REFUSAL_BYTES, statusError } from './http-get.ts'

export type { HttpGet, HttpGetRequest } from './http-get.ts'

/** A connection on which nothing moves for this long is given up, in milliseconds. */
const IDLE_TIMEOUT_MS = 60_000

/** By `node:http`: `fetch` would decompress what is stored with a Content-Encoding. */
export const httpGet: HttpGet = ({ url, headers, signal }) =>
  new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest
    const request = send(url, { headers: { ...headers }, signal, timeout: IDLE_TIMEOUT_MS })
    request.on('timeout', () => request.destroy(timeoutError()))
    request.on('error', (error) => reject(failure(error, signal)))
    request.on('response', (response) => {
      const answered = flatHeaders(response)
      const status = response.statusCode ?? 0
      if (status !== 200 && status !== 206) {
        void readRefusal(response).then((document) => {
          request.destroy()
          reject(signal.aborted ? signal.reason : statusError(status, answered, document))
        })
      } else if (answered[OSS_HEADERS.requestId] === undefined) {
        request.destroy()
        reject(foreignResponse(status, `it has no ${OSS_HEADERS.requestId}. Check the URL and any proxy`))
      } else {
        resolve({ status, headers: answered, body: readBody(request, response, signal) })
      }
    })
    request.end()
  })

/** The document of a refusal, as far as it comes in time. The status is known without it. */
async function readRefusal(response: IncomingMessage): Promise<Uint8Array> {
  const timer = setTimeout(() => response.destroy(), IDLE_TIMEOUT_MS)
  const chunks: Uint8Array[] = []
  let sizeBytes = 0
  try {
    for await (const chunk of response as AsyncIterable<Uint8Array>) {
      chunks.push(chunk)
      sizeBytes += chunk.length
      if (sizeBytes >= REFUSAL_BYTES) break
    }
  } catch {
    // What has come serves.
  }
  clearTimeout(timer)
  return concatBytes(chunks)
}

function readBody(
  request: ClientRequest,
  response: IncomingMessage,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  const chunks = response[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>
  // Silence counts only while somebody waits: a reader may take its time.
  request.setTimeout(0)
  const iterator: AsyncIterator<Uint8Array> = {
    async next() {
      request.setTimeout(IDLE_TIMEOUT_MS)
      try {
        return await chunks.next()
      } catch (error) {
        throw failure(error, signal)
      } finally {
        request.setTimeout(0)
      }
    },
    async return() {
      response.on('error', () => {})
      response.destroy()
      return { done: true, value: undefined }
    },
  }
  return { [Symbol.asyncIterator]: () => iterator }
}

function failure(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason
  if (TransportError.isInstance(error)) return error
  return connectionError((error as NodeJS.ErrnoException).code ?? 'the connection broke')
}

function timeoutError(): TransportError {
  return new TransportError('ERR_CSE_TIMEOUT', `The presigned URL gave nothing for ${IDLE_TIMEOUT_MS} ms.`, {
    retryable: true,
  })
}

function flatHeaders(response: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(response.headers).map(([name, value]) => [name, [value].flat().join(', ')]),
  )
}
