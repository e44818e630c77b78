import type { GetByUrlRequest, GetObjectResponse } from '@oss-cse/crypto-core'
import { checkedPresignedUrl, type RequestContext, serviceFailure } from '@oss-cse/crypto-core/internal'
import { fetchRequest } from '../http/fetch-request.ts'
import { objectResponse, storedBytesHeaders } from '../http/object-response.ts'
import { refusalDocument } from '../http/response-body.ts'

const CONTEXT: RequestContext = { operation: 'The GET of a presigned URL', secretUrl: true }

/** See `FetchUrlTransport.getByUrl`. */
export async function getByUrl({ url, headers, signal }: GetByUrlRequest): Promise<GetObjectResponse> {
  const { href } = checkedPresignedUrl(url)
  if (signal?.aborted) throw signal.reason
  const sent = storedBytesHeaders(headers)
  const response = await fetchRequest({ method: 'GET', url: href, headers: sent, signal }, CONTEXT)
  const { status, headers: received, stream } = response
  if (status >= 200 && status < 300) {
    return objectResponse(response, { context: CONTEXT, signal, isWhole: false })
  }
  const { data } = await refusalDocument(stream, signal)
  throw signal?.aborted ? signal.reason : serviceFailure(CONTEXT, { status, headers: received, data })
}
