import { type HeaderMap, OSS_HEADERS } from '@oss-cse/crypto-core'
import { foreignResponse, type RequestContext, serviceFailure } from '@oss-cse/crypto-core/internal'
import { DownloadBody } from './download-body.ts'
import type { ExchangeOptions, ExchangeResponse } from './http-exchange.ts'
import type { IdleWatch } from './idle-watch.ts'
import type { ResponseBytes } from './response-bytes.ts'

const MAX_ERROR_BYTES = 64 * 1024

/** The head of a response. */
export interface ResponseHead {
  readonly status: number
  readonly headers: HeaderMap
}

/**
 * Throws the error of a response without success, once its document is there.
 *
 * @throws TransportError
 */
export async function checkStatus(
  { status, headers }: ResponseHead,
  bytes: ResponseBytes,
  idle: IdleWatch,
  { context, idleTimeoutMs }: ExchangeOptions,
): Promise<void> {
  // 203 is CallbackFailed: the object is stored, but the callback failed.
  if (status >= 200 && status <= 299 && status !== 203) return
  idle.suspend()
  const data = await collectRefusal(bytes, idleTimeoutMs)
  throw serviceFailure(context, { status, headers, data })
}

/**
 * Throws unless a response comes from the service.
 *
 * @throws TransportError
 */
export function checkOrigin({ status, headers }: ResponseHead, context: RequestContext): void {
  if (headers[OSS_HEADERS.requestId] === undefined) {
    throw foreignResponse(context, status, OSS_HEADERS.requestId)
  }
}

/** Returns a successful response whose body is a stream. */
export function streamedResponse(
  { status, headers }: ResponseHead,
  bytes: ResponseBytes,
  idle: IdleWatch,
  { context, scope }: ExchangeOptions,
): ExchangeResponse {
  return { status, headers, data: new Uint8Array(), body: new DownloadBody(bytes, context, scope, idle) }
}

/**
 * Reads the document of an error response, as far as it comes in time. The status is known without it. A document
 * that stalls, trickles or breaks must not turn a refusal into a timeout, which would be retried.
 */
async function collectRefusal(bytes: ResponseBytes, timeoutMs: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  await new Promise<void>((resolve) => {
    const enough = (): void => {
      clearTimeout(timer)
      bytes.destroy()
      resolve()
    }
    const timer = setTimeout(enough, timeoutMs)
    bytes.listen({
      push: (chunk) => {
        chunks.push(chunk)
        size += chunk.byteLength
        if (size >= MAX_ERROR_BYTES) enough()
      },
      // Well or not: use what has arrived.
      end: () => {
        clearTimeout(timer)
        resolve()
      },
    })
    bytes.resume()
  })
  return Buffer.concat(chunks)
}
