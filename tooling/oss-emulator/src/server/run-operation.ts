import { isSubresource } from '../auth/signature-v1.ts'
import { getBucketAcl, putBucketAcl } from '../operations/buckets/bucket-acl.ts'
import { deleteBucketCors, getBucketCors, putBucketCors } from '../operations/buckets/bucket-cors.ts'
import { getBucketInfo, getBucketLocation } from '../operations/buckets/bucket-info.ts'
import { getBucketVersioning, putBucketVersioning } from '../operations/buckets/bucket-versioning.ts'
import { deleteBucket } from '../operations/buckets/delete-bucket.ts'
import { listBuckets } from '../operations/buckets/list-buckets.ts'
import { putBucket } from '../operations/buckets/put-bucket.ts'
import { listObjectVersions } from '../operations/listing/list-object-versions.ts'
import { listObjects, listObjectsV2 } from '../operations/listing/list-objects.ts'
import { abortMultipartUpload } from '../operations/multipart/abort-multipart-upload.ts'
import { completeMultipartUpload } from '../operations/multipart/complete-multipart-upload.ts'
import { initiateMultipartUpload } from '../operations/multipart/initiate-multipart-upload.ts'
import { listMultipartUploads } from '../operations/multipart/list-multipart-uploads.ts'
import { listParts } from '../operations/multipart/list-parts.ts'
import { uploadPart } from '../operations/multipart/upload-part.ts'
import { uploadPartCopy } from '../operations/multipart/upload-part-copy.ts'
import { appendObject } from '../operations/objects/append-object.ts'
import { copyObject } from '../operations/objects/copy-object.ts'
import { deleteMultipleObjects } from '../operations/objects/delete-multiple-objects.ts'
import { deleteObject } from '../operations/objects/delete-object.ts'
import { getObject } from '../operations/objects/get-object.ts'
import { getObjectMeta } from '../operations/objects/get-object-meta.ts'
import { getObjectAcl, putObjectAcl } from '../operations/objects/object-acl.ts'
import {
  deleteObjectTagging,
  getObjectTagging,
  putObjectTagging,
} from '../operations/objects/object-tagging.ts'
import { putObject } from '../operations/objects/put-object.ts'
import { getSymlink, putSymlink } from '../operations/objects/symlink.ts'
import type { OperationContext } from '../operations/operation-context.ts'
import { formUploadNotImplemented, methodNotAllowed, notImplemented } from '../protocol/error-catalog.ts'
import type { OssResponse } from '../protocol/oss-response.ts'

type Operation = (context: OperationContext) => OssResponse | Promise<OssResponse>

/** Selects the operation of a request. The first matching route wins. */
interface Route {
  readonly method: string
  /** Query parameters that the request must have. */
  readonly parameters?: readonly string[]
  /** A header that the request must have. */
  readonly header?: string
  readonly operation: Operation
}

const SERVICE_ROUTES: readonly Route[] = [{ method: 'GET', operation: listBuckets }]

const BUCKET_ROUTES: readonly Route[] = [
  { method: 'GET', parameters: ['bucketInfo'], operation: getBucketInfo },
  { method: 'GET', parameters: ['location'], operation: getBucketLocation },
  { method: 'GET', parameters: ['acl'], operation: getBucketAcl },
  { method: 'GET', parameters: ['versioning'], operation: getBucketVersioning },
  { method: 'GET', parameters: ['cors'], operation: getBucketCors },
  { method: 'GET', parameters: ['versions'], operation: listObjectVersions },
  { method: 'GET', parameters: ['uploads'], operation: listMultipartUploads },
  {
    method: 'GET',
    operation: (context) => (isListV2(context) ? listObjectsV2(context) : listObjects(context)),
  },
  { method: 'PUT', parameters: ['acl'], operation: putBucketAcl },
  { method: 'PUT', parameters: ['versioning'], operation: putBucketVersioning },
  { method: 'PUT', parameters: ['cors'], operation: putBucketCors },
  { method: 'PUT', operation: putBucket },
  { method: 'DELETE', parameters: ['cors'], operation: deleteBucketCors },
  { method: 'DELETE', operation: deleteBucket },
  { method: 'POST', parameters: ['delete'], operation: deleteMultipleObjects },
  {
    method: 'POST',
    operation: () => {
      throw formUploadNotImplemented()
    },
  },
]

const OBJECT_ROUTES: readonly Route[] = [
  { method: 'GET', parameters: ['uploadId'], operation: listParts },
  { method: 'GET', parameters: ['acl'], operation: getObjectAcl },
  { method: 'GET', parameters: ['tagging'], operation: getObjectTagging },
  { method: 'GET', parameters: ['symlink'], operation: getSymlink },
  { method: 'GET', parameters: ['objectMeta'], operation: getObjectMeta },
  { method: 'GET', operation: getObject },
  { method: 'HEAD', parameters: ['objectMeta'], operation: getObjectMeta },
  { method: 'HEAD', operation: getObject },
  {
    method: 'PUT',
    parameters: ['partNumber', 'uploadId'],
    header: 'x-oss-copy-source',
    operation: uploadPartCopy,
  },
  { method: 'PUT', parameters: ['partNumber', 'uploadId'], operation: uploadPart },
  { method: 'PUT', parameters: ['acl'], operation: putObjectAcl },
  { method: 'PUT', parameters: ['tagging'], operation: putObjectTagging },
  { method: 'PUT', parameters: ['symlink'], operation: putSymlink },
  { method: 'PUT', header: 'x-oss-copy-source', operation: copyObject },
  { method: 'PUT', operation: putObject },
  { method: 'POST', parameters: ['uploads'], operation: initiateMultipartUpload },
  { method: 'POST', parameters: ['uploadId'], operation: completeMultipartUpload },
  { method: 'POST', parameters: ['append'], operation: appendObject },
  { method: 'DELETE', parameters: ['uploadId'], operation: abortMultipartUpload },
  { method: 'DELETE', parameters: ['tagging'], operation: deleteObjectTagging },
  { method: 'DELETE', operation: deleteObject },
]

/** Parameters that change an operation but do not select one. */
const REFINEMENTS: ReadonlySet<string> = new Set([
  // Callbacks are ignored, both in the query and in the headers.
  'callback',
  'callback-var',
  'continuation-token',
  'position',
  'security-token',
  'sequential',
  'versionId',
])

/** Parameters that process objects, with any method. */
const PROCESSING: ReadonlySet<string> = new Set([
  'x-oss-async-process',
  'x-oss-process',
  'x-oss-write-get-object-response',
])

/**
 * Runs the operation that a request selects.
 *
 * @throws OssError `NotImplemented` for an operation of the service that this server lacks
 */
export async function runOperation(context: OperationContext): Promise<OssResponse> {
  const { request, bucket, key } = context
  const routes = bucket === '' ? SERVICE_ROUTES : key === '' ? BUCKET_ROUTES : OBJECT_ROUTES
  const route = routes.find(
    ({ method, parameters = [], header }) =>
      method === request.method &&
      parameters.every((name) => request.has(name)) &&
      (header === undefined || request.header(header) !== undefined),
  )
  const unknown = request.parameters.find(
    ({ name }) =>
      isSubresource(name) &&
      // Other `x-oss-` parameters carry signatures, limits and the like. They select no operation.
      (!name.startsWith('x-oss-') || PROCESSING.has(name)) &&
      !name.startsWith('response-') &&
      !REFINEMENTS.has(name) &&
      route?.parameters?.includes(name) !== true,
  )
  if (unknown !== undefined)
    throw notImplemented(`This server does not implement "${request.method} ?${unknown.name}".`)
  if (route === undefined) throw methodNotAllowed(request.method)
  return await route.operation(context)
}

function isListV2(context: OperationContext): boolean {
  return context.request.parameter('list-type') === '2'
}
