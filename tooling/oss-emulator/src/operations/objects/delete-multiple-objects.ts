import { malformedXml } from '../../protocol/error-catalog.ts'
import { OssError } from '../../protocol/oss-error.ts'
import { emptyResponse, type OssResponse, xmlResponse } from '../../protocol/oss-response.ts'
import { childElements, childText, parseXml, type XmlElement } from '../../protocol/xml.ts'
import { keyEncoder } from '../key-encoding.ts'
import { type OperationContext, readDocument } from '../operation-context.ts'
import { deleteVersion, existingBucket } from '../versions.ts'

const MAX_KEYS = 1000

/** DeleteMultipleObjects. */
export async function deleteMultipleObjects(context: OperationContext): Promise<OssResponse> {
  existingBucket(context.store, context.bucket)
  const text = await readDocument(context)
  if (context.request.header('content-md5') === undefined) {
    throw new OssError(400, 'MissingArgument', 'Missing Some Required Arguments.', {
      details: { ArgumentName: 'Content-MD5' },
    })
  }
  const root = parseXml(text, 'Delete')
  const objects = childElements(root, 'Object')
  if (objects.length === 0 || objects.length > MAX_KEYS) throw malformedXml()
  const encode = keyEncoder(context.request)
  // All are checked before any is deleted.
  const named = objects.map((object) => {
    const key = childText(object, 'Key')
    if (key === undefined || key === '') throw malformedXml()
    return { key, versionId: childText(object, 'VersionId') }
  })
  const deleted = named.map(({ key, versionId }): XmlElement => {
    const deletion = deleteVersion(context, key, versionId)
    return {
      Key: encode(key),
      ...(versionId === undefined ? {} : { VersionId: versionId }),
      ...(deletion.deleteMarker
        ? { DeleteMarker: true, DeleteMarkerVersionId: deletion.versionId ?? '' }
        : {}),
    }
  })
  if (childText(root, 'Quiet') === 'true') return emptyResponse(200)
  const encoding = context.request.parameter('encoding-type')
  return xmlResponse({
    DeleteResult: { ...(encoding === undefined ? {} : { EncodingType: encoding }), Deleted: deleted },
  })
}
