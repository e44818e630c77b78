import type { KmsError } from './kms-error.ts'
import type { KmsRequest } from './kms-request.ts'
import type { ResponseFields } from './operation-context.ts'

/** A complete response. */
export interface KmsResponse {
  readonly status: number
  readonly contentType: string
  readonly body: string
}

/** The response of a successful request. */
export function successResponse(request: KmsRequest, requestId: string, fields: ResponseFields): KmsResponse {
  return format(request, 200, `${request.action}Response`, { ...fields, RequestId: requestId })
}

/** The response of a refused request. */
export function errorResponse(request: KmsRequest, requestId: string, error: KmsError): KmsResponse {
  return format(request, error.status, 'Error', {
    RequestId: requestId,
    HostId: request.header('host') ?? '',
    Code: error.code,
    Message: error.message,
    Recommend: `https://api.aliyun.com/troubleshoot?q=${encodeURIComponent(error.code)}&product=Kms&requestId=${requestId}`,
  })
}

function format(request: KmsRequest, status: number, root: string, fields: ResponseFields): KmsResponse {
  if (wantsJson(request)) {
    return { status, contentType: 'application/json;charset=utf-8', body: JSON.stringify(fields) }
  }
  const body = `<?xml version='1.0' encoding='UTF-8'?><${root}>${xml(fields)}</${root}>`
  return { status, contentType: 'text/xml;charset=utf-8', body }
}

/** By default, the RPC generation returns XML, and the ACS3 generation returns JSON. */
function wantsJson(request: KmsRequest): boolean {
  const format = request.parameter('Format')
  if (format) return format.toUpperCase() === 'JSON'
  return request.protocol === 'acs3' && !/\bxml\b/i.test(request.header('accept') ?? '')
}

function xml(fields: ResponseFields): string {
  return Object.entries(fields)
    .map(([name, value]) => {
      if (typeof value !== 'object') return `<${name}>${escapeXml(String(value))}</${name}>`
      const elements = Array.isArray(value) ? value : [value]
      return elements.map((element) => `<${name}>${xml(element as ResponseFields)}</${name}>`).join('')
    })
    .join('')
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
