import { type Answer, emptyAnswer } from './answer.ts'
import { conditionsOf, judgeConditions } from './conditions.ts'
import { invalidArgument, notImplemented } from './error-catalog.ts'
import type { ObjectRecord } from './object-record.ts'
import type { OperationContext } from './operation-context.ts'
import { OssError } from './oss-error.ts'
import { parseRange } from './range.ts'
import { currentVersion, versionHeader } from './versions.ts'

/** Characters that no header can hold; anything else goes out as UTF-8. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
const UNSENDABLE = /[\x00-\x08\x0a-\x1f\x7f]/

const OVERRIDES: readonly (readonly [string, string])[] = [
  ['response-content-type', 'Content-Type'],
  ['response-content-language', 'Content-Language'],
  ['response-expires', 'Expires'],
  ['response-cache-control', 'Cache-Control'],
  ['response-content-disposition', 'Content-Disposition'],
  ['response-content-encoding', 'Content-Encoding'],
]
const HEADER_NAMES: Readonly<Record<string, string>> = {
  'cache-control': 'Cache-Control',
  'content-disposition': 'Content-Disposition',
  'content-encoding': 'Content-Encoding',
  'content-language': 'Content-Language',
  'content-type': 'Content-Type',
  expires: 'Expires',
}

/** GetObject and HeadObject: the sender drops the body of a HEAD. */
export function getObject(context: OperationContext): Answer {
  const { request, store } = context
  if (request.has('x-oss-process')) {
    throw notImplemented('This server does not process objects (x-oss-process).')
  }
  const object = target(context)
  if (judgeConditions(conditionsOf(request), object) === 'not-modified') {
    return emptyAnswer(304, { ETag: `"${object.etag}"`, 'Last-Modified': httpDate(object.lastModified) })
  }
  const headers: Record<string, string> = { 'Accept-Ranges': 'bytes', ...identity(context, object) }
  for (const [name, value] of Object.entries(object.headers)) headers[HEADER_NAMES[name] ?? name] = value
  for (const [parameter, header] of OVERRIDES) {
    const value = request.parameter(parameter)
    if (value === undefined || value === '') continue
    if (UNSENDABLE.test(value)) throw invalidArgument(`${parameter} cannot stand in a header.`)
    headers[header] = value
  }
  headers['x-oss-object-type'] = object.type
  headers['x-oss-storage-class'] = object.storageClass
  if (object.contentMd5 !== undefined && object.type === 'Normal') headers['Content-MD5'] = object.contentMd5
  if (object.type === 'Appendable') headers['x-oss-next-append-position'] = String(object.sizeBytes)
  if (object.tags.length > 0) headers['x-oss-tagging-count'] = String(object.tags.length)
  const range = parseRange(request.header('range'), request.header('x-oss-range-behavior'), object.sizeBytes)
  if (range === undefined) {
    return { status: 200, headers, body: store.open(object.extents, 0, object.sizeBytes) }
  }
  headers['Content-Range'] = `bytes ${range.start}-${range.start + range.sizeBytes - 1}/${object.sizeBytes}`
  return { status: 206, headers, body: store.open(object.extents, range.start, range.sizeBytes) }
}

/** GetObjectMeta: size, ETag and date, no user metadata. */
export function getObjectMeta(context: OperationContext): Answer {
  const object = target(context)
  // Of a GET it would announce a body.
  const length = context.request.method === 'HEAD' ? { 'Content-Length': String(object.sizeBytes) } : {}
  return emptyAnswer(200, { ...identity(context, object), ...length })
}

function identity(context: OperationContext, object: ObjectRecord): Record<string, string> {
  return {
    ETag: `"${object.etag}"`,
    'Last-Modified': httpDate(object.lastModified),
    'x-oss-hash-crc64ecma': object.crc64,
    ...versionHeader(context, object),
  }
}

/** The object that is read; a symbolic link leads to its target. */
function target(context: OperationContext): ObjectRecord {
  const { store, bucket, key, request } = context
  const object = currentVersion(store, bucket, key, request.parameter('versionId'), request.method)
  if (object.symlinkTarget === undefined) return object
  const [linked] = store.versions(bucket, object.symlinkTarget)
  if (linked === undefined || linked.deleteMarker) {
    throw new OssError(404, 'SymlinkTargetNotExist', 'The symlink target object does not exist.')
  }
  if (linked.symlinkTarget !== undefined) {
    throw new OssError(400, 'InvalidTargetType', 'The symlink target is a symlink.')
  }
  return linked
}

function httpDate(iso: string): string {
  return new Date(iso).toUTCString()
}
