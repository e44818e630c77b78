import { corsHeaders, varyingByOrigin } from '../../cors/cors-headers.ts'
import { matchingRule } from '../../cors/cors-rule.ts'
import { OssError } from '../../protocol/oss-error.ts'
import type { OssRequest } from '../../protocol/oss-request.ts'
import { emptyResponse, type OssResponse } from '../../protocol/oss-response.ts'
import type { ObjectStore } from '../../storage/object-store.ts'
import { existingBucket } from '../versions.ts'

/**
 * OptionObject: the response to a browser that asks whether it may send a cross-origin request. It is not signed.
 *
 * @throws OssError `NoSuchBucket`, or `AccessForbidden` if no rule allows the request
 */
export function preflight(store: ObjectStore, bucket: string, request: OssRequest): OssResponse {
  const { cors } = existingBucket(store, bucket).record
  if (cors === undefined) throw forbidden('CORS is not enabled for this bucket.')
  const origin = request.header('origin')
  const method = request.header('access-control-request-method')
  const asked = request.header('access-control-request-headers')
  const headers = (asked ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
  const rule =
    origin === undefined || method === undefined ? undefined : matchingRule(cors, { origin, method, headers })
  if (rule === undefined || origin === undefined) {
    throw forbidden(
      'This CORS request is not allowed: no rule of the bucket allows its Origin, Access-Control-Request-Method and Access-Control-Request-Headers.',
    )
  }
  return emptyResponse(
    200,
    varyingByOrigin({
      ...corsHeaders(rule, origin),
      ...(headers.length === 0 ? {} : { 'Access-Control-Allow-Headers': headers.join(', ') }),
    }),
  )
}

function forbidden(reason: string): OssError {
  return new OssError(403, 'AccessForbidden', `CORSResponse: ${reason}`)
}
