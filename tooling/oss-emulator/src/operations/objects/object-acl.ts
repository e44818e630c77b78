import { emptyResponse, type OssResponse, xmlResponse } from '../../protocol/oss-response.ts'
import { checkAcl, OBJECT_ACLS } from '../acl.ts'
import { type OperationContext, OWNER, readDocument } from '../operation-context.ts'
import { updateVersion, versionHeader, versionWithSettings } from '../versions.ts'

/** GetObjectACL. */
export function getObjectAcl(context: OperationContext): OssResponse {
  const object = versionWithSettings(context)
  return xmlResponse(
    { AccessControlPolicy: { Owner: OWNER, AccessControlList: { Grant: object.acl } } },
    versionHeader(context, object),
  )
}

/** PutObjectACL. */
export async function putObjectAcl(context: OperationContext): Promise<OssResponse> {
  await readDocument(context)
  const acl = context.request.header('x-oss-object-acl') ?? ''
  checkAcl(acl, OBJECT_ACLS, 'x-oss-object-acl')
  const object = versionWithSettings(context)
  updateVersion(context, object, { ...object, acl })
  return emptyResponse(200, versionHeader(context, object))
}
