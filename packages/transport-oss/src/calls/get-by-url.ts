import type { GetByUrlRequest, GetObjectResponse } from '@oss-cse/crypto-core'
import {
  checkedPresignedUrl,
  foreignResponse,
  type RequestContext,
  requestHeaders,
  unusableResponse,
} from '@oss-cse/crypto-core/internal'
import type { Connection } from '../ali-oss/client-options.ts'
import { addressOf } from '../http/address.ts'
import { type ExchangeResponse, exchange } from '../http/http-exchange.ts'
import { statusAndHeaders } from '../http/object-response.ts'
import { RequestScope } from '../http/request-scope.ts'
import { STORED_BYTES } from '../http/stored-bytes.ts'

const CONTEXT: RequestContext = { operation: 'The GET of a presigned URL', secretUrl: true }

/**
 * See `OssTransport.getByUrl`. The URL is signed and contains the host. Of ali-oss, only the agents are used, because
 * the program may need them to reach the network.
 */
export async function getByUrl(
  { state, idleTimeoutMs }: Connection,
  { url, headers, signal }: GetByUrlRequest,
): Promise<GetObjectResponse> {
  checkedPresignedUrl(url)
  const sent = { ...requestHeaders(headers), ...STORED_BYTES }
  const scope = new RequestScope(signal)
  const { agent, httpsAgent } = state
  const request = { method: 'GET', headers: sent, streamed: true, agent, httpsAgent }
  const options = { scope, context: CONTEXT, idleTimeoutMs, expected: {} }
  let response: ExchangeResponse
  try {
    response = await scope.race(() => exchange(addressOf(sentUrl(url)), request, options))
  } catch (error) {
    throw scope.failure === undefined ? error : scope.failure.reason
  }
  const { status, body } = response
  if (body === undefined) throw foreignResponse(CONTEXT, status, 'body')
  if (status !== 200 && status !== 206) {
    await body.return()
    throw unusableResponse(CONTEXT, status, 'a GET must have the status 200 or 206')
  }
  return { ...statusAndHeaders(response), body }
}

/** The URL without the parts that are never sent. */
function sentUrl({ origin, pathname, search }: URL): string {
  return `${origin}${pathname}${search}`
}
