import { conditionsOf, judgeConditions } from '../../protocol/conditions.ts'
import { invalidArgument } from '../../protocol/error-catalog.ts'
import { emptyResponse, type OssResponse } from '../../protocol/oss-response.ts'
import { parseRange } from '../../protocol/range.ts'
import { httpDate } from '../../protocol/service-time.ts'
import { storedHeaders } from '../object-metadata.ts'
import type { OperationContext } from '../operation-context.ts'
import { checkReadable, versionHeader } from '../versions.ts'
import { gzipResponse } from './gzip-response.ts'
import { readTarget } from './read-target.ts'

/** Characters that no header can hold. All others are sent as UTF-8. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are refused here
const UNSENDABLE = /[\x00-\x08\x0a-\x1f\x7f]/

const OVERRIDES: readonly (readonly [string, string])[] = [
  ['response-content-type', 'Content-Type'],
  ['response-content-language', 'Content-Language'],
  ['response-expires', 'Expires'],
  ['response-cache-control', 'Cache-Control'],
  ['response-content-disposition', 'Content-Disposition'],
  ['response-content-encoding', 'Content-Encoding'],
]

/** GetObject and HeadObject. The sender drops the body of a HEAD. */
export function getObject(context: OperationContext): OssResponse {
  const { request, store } = context
  const { object, content, lastModified } = readTarget(context)
  const validators = { ETag: `"${content.etag}"`, 'Last-Modified': httpDate(lastModified) }
  if (judgeConditions(conditionsOf(request), { etag: content.etag, lastModified }) === 'not-modified') {
    return emptyResponse(304, validators)
  }
  if (request.method === 'GET') checkReadable(content)
  const headers: Record<string, string> = {
    'Accept-Ranges': 'bytes',
    ...validators,
    // A link has no checksum of its own, and the documentation does not list that of its target.
    ...(object === content ? { 'x-oss-hash-crc64ecma': object.crc64 } : {}),
    ...versionHeader(context, object),
    ...storedHeaders(object),
  }
  for (const [parameter, field] of OVERRIDES) {
    const value = request.parameter(parameter)
    if (value === undefined || value === '') continue
    if (UNSENDABLE.test(value)) throw invalidArgument(`${parameter} cannot stand in a header.`)
    headers[field] = value
  }
  headers['x-oss-object-type'] = object.type
  headers['x-oss-storage-class'] = object.storageClass
  if (content.contentMd5 !== undefined && content.type === 'Normal') {
    headers['Content-MD5'] = content.contentMd5
  }
  if (object.type === 'Appendable') headers['x-oss-next-append-position'] = String(object.sizeBytes)
  if (object.tags.length > 0) headers['x-oss-tagging-count'] = String(object.tags.length)
  const { extents, sizeBytes } = content
  const range = parseRange(request.header('range'), request.header('x-oss-range-behavior'), sizeBytes)
  if (range === undefined) {
    return gzipResponse({ status: 200, headers }, store.open(extents, 0, sizeBytes), request, context.gzip)
  }
  headers['Content-Range'] = `bytes ${range.start}-${range.start + range.sizeBytes - 1}/${sizeBytes}`
  return { status: 206, headers, body: store.open(extents, range.start, range.sizeBytes) }
}
