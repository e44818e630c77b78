import { invalidArgument } from '../../protocol/error-catalog.ts'
import { OssError } from '../../protocol/oss-error.ts'
import { emptyResponse, type OssResponse, xmlResponse } from '../../protocol/oss-response.ts'
import { httpDate, serviceTime } from '../../protocol/service-time.ts'
import { checkKey } from '../../storage/names.ts'
import { checkAcl, metadataOf, OBJECT_ACLS, storedHeaders } from '../object-metadata.ts'
import { type OperationContext, OWNER, readDocument } from '../operation-context.ts'
import { parseTagXml, tagElements } from '../tags.ts'
import {
  addVersion,
  checkForbidOverwrite,
  existingBucket,
  requestedVersion,
  updateVersion,
  versionHeader,
} from '../versions.ts'

export function getObjectAcl(context: OperationContext): OssResponse {
  const object = requestedVersion(context)
  return xmlResponse(
    { AccessControlPolicy: { Owner: OWNER, AccessControlList: { Grant: object.acl } } },
    versionHeader(context, object),
  )
}

export async function putObjectAcl(context: OperationContext): Promise<OssResponse> {
  await readDocument(context)
  const acl = context.request.header('x-oss-object-acl') ?? ''
  checkAcl(acl, OBJECT_ACLS, 'x-oss-object-acl')
  const object = requestedVersion(context)
  updateVersion(context, object, { ...object, acl })
  return emptyResponse(200, versionHeader(context, object))
}

export function getObjectTagging(context: OperationContext): OssResponse {
  const object = requestedVersion(context)
  return xmlResponse(tagElements(object.tags), versionHeader(context, object))
}

export async function putObjectTagging(context: OperationContext): Promise<OssResponse> {
  const tags = parseTagXml(await readDocument(context))
  const object = requestedVersion(context)
  updateVersion(context, object, { ...object, tags })
  return emptyResponse(200, versionHeader(context, object))
}

export function deleteObjectTagging(context: OperationContext): OssResponse {
  const object = requestedVersion(context)
  updateVersion(context, object, { ...object, tags: [] })
  return emptyResponse(204, versionHeader(context, object))
}

/** PutSymlink. The target need not exist. Encryption headers are stored unchecked, as any metadata. */
export function putSymlink(context: OperationContext): OssResponse {
  const { request } = context
  checkKey(context.key)
  existingBucket(context.store, context.bucket)
  const target = decodedTarget(request.header('x-oss-symlink-target'))
  checkKey(target)
  checkForbidOverwrite(context)
  const version = addVersion(context, {
    ...metadataOf(request),
    type: 'Symlink',
    sizeBytes: 0,
    etag: 'D41D8CD98F00B204E9800998ECF8427E',
    crc64: '0',
    lastModified: serviceTime(context.now()),
    symlinkTarget: target,
    extents: [],
  })
  return emptyResponse(200, { ETag: `"${version.etag}"`, ...versionHeader(context, version) })
}

/** GetSymlink: where a link leads, with what the link itself has. */
export function getSymlink(context: OperationContext): OssResponse {
  const object = requestedVersion(context)
  if (object.symlinkTarget === undefined) {
    throw new OssError(400, 'NotSymlink', 'The object is not a symlink.', { ec: '0043-00000101' })
  }
  return emptyResponse(200, {
    ...storedHeaders(object),
    ETag: `"${object.etag}"`,
    'Last-Modified': httpDate(object.lastModified),
    'x-oss-symlink-target': encodeURIComponent(object.symlinkTarget),
    ...versionHeader(context, object),
  })
}

function decodedTarget(header: string | undefined): string {
  const details = { ArgumentName: 'x-oss-symlink-target', ArgumentValue: header ?? '' }
  if (header === undefined || header === '') {
    throw invalidArgument('The symlink target is missing.', undefined, details)
  }
  try {
    return decodeURIComponent(header)
  } catch {
    throw invalidArgument('The symlink target is not URL-encoded.', undefined, details)
  }
}
