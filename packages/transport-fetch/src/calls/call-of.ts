import type { CallOptions, HeaderMap } from '@oss-cse/crypto-core'
import { checkObjectKey, checkUploadId, requestHeaders } from '@oss-cse/crypto-core/internal'
import type { OssCall } from '../http/oss-client.ts'

/** What the requests of the ports have in common. A property that is there must have a value. */
interface PortRequest extends CallOptions {
  readonly key?: string
  readonly uploadId?: string
  readonly versionId?: string | undefined
  readonly headers?: HeaderMap | undefined
}

/**
 * Describes the call of a request.
 *
 * @param operation - for error messages: `put`, `list`
 * @param query - its parameters, except for those of the request. One that is undefined is left out
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT`
 */
export function callOf(
  operation: string,
  method: OssCall['method'],
  request: PortRequest,
  query: Readonly<Record<string, string | undefined>> = {},
): OssCall {
  const { key = '', uploadId = '', versionId, headers = {}, signal } = request
  const hasKey = 'key' in request
  if (hasKey) checkObjectKey(key)
  if ('uploadId' in request) checkUploadId(uploadId, key)
  const parameters = Object.entries({ ...query, versionId, uploadId: uploadId || undefined })
  return {
    operation,
    method,
    key: hasKey ? key : undefined,
    query: Object.fromEntries(
      parameters.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
    ),
    headers: requestHeaders(headers, key),
    signal,
  }
}
