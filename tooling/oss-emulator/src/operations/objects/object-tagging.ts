import { emptyResponse, type OssResponse, xmlResponse } from '../../protocol/oss-response.ts'
import { type OperationContext, readDocument } from '../operation-context.ts'
import { parseTagXml, tagElements } from '../tags.ts'
import { updateVersion, versionHeader, versionWithSettings } from '../versions.ts'

/** GetObjectTagging. */
export function getObjectTagging(context: OperationContext): OssResponse {
  const object = versionWithSettings(context)
  return xmlResponse(tagElements(object.tags), versionHeader(context, object))
}

/** PutObjectTagging. */
export async function putObjectTagging(context: OperationContext): Promise<OssResponse> {
  const tags = parseTagXml(await readDocument(context))
  const object = versionWithSettings(context)
  updateVersion(context, object, { ...object, tags })
  return emptyResponse(200, versionHeader(context, object))
}

/** DeleteObjectTagging. */
export function deleteObjectTagging(context: OperationContext): OssResponse {
  const object = versionWithSettings(context)
  updateVersion(context, object, { ...object, tags: [] })
  return emptyResponse(204, versionHeader(context, object))
}
