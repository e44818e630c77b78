import type { ObjectAcl, ObjectSettingsRequest, ObjectTag } from '@oss-cse/crypto-core'
import { checkObjectKey, requestHeaders, unusableResponse } from '@oss-cse/crypto-core/internal'
import type { Connection } from '../ali-oss/client-options.ts'
import type { ExchangeResponse } from '../http/http-exchange.ts'
import { childElements, childText, requestDocument } from './document-request.ts'
import { contextOf, type OssCall, runCall } from './oss-call.ts'

const ACLS: ReadonlySet<string> = new Set<ObjectAcl>([
  'default',
  'private',
  'public-read',
  'public-read-write',
])

/** See `OssTransport.getObjectAcl`. */
export async function getObjectAcl(
  connection: Connection,
  request: ObjectSettingsRequest,
): Promise<ObjectAcl> {
  const { value, unusable } = await readSettings(connection, request, {
    what: 'ACL',
    subresource: 'acl',
    root: 'AccessControlPolicy',
  })
  const [list] = childElements<unknown>(value, 'AccessControlList')
  const acl = childText(list, 'Grant')
  if (acl === undefined || !ACLS.has(acl)) throw unusable('its ACL is not one that is known')
  return acl as ObjectAcl
}

/** See `OssTransport.getObjectTags`. */
export async function getObjectTags(
  connection: Connection,
  request: ObjectSettingsRequest,
): Promise<readonly ObjectTag[]> {
  const { value, unusable } = await readSettings(connection, request, {
    what: 'tags',
    subresource: 'tagging',
    root: 'Tagging',
  })
  const [set] = childElements<unknown>(value, 'TagSet')
  // ali-oss 6.23 lib/common/object/getObjectTagging.js puts the tags into a plain object, which loses some keys.
  return childElements<unknown>(set, 'Tag').map((tag) => {
    const [key, tagValue] = [childText(tag, 'Key'), childText(tag, 'Value')]
    if (!key || tagValue === undefined) throw unusable('a tag has no key or no value')
    return { key, value: tagValue }
  })
}

/** Requests one document about an object. */
async function readSettings(
  connection: Connection,
  { key, versionId, headers = {}, signal }: ObjectSettingsRequest,
  { what, subresource, root }: { readonly what: string; readonly subresource: string; readonly root: string },
): Promise<{ readonly value: unknown; readonly unusable: (problem: string) => Error }> {
  checkObjectKey(key)
  const sent = requestHeaders(headers, key)
  const call: OssCall = { operation: `read the ${what} of`, objectKey: key, signal, expected: { root } }
  const { value, response } = await runCall(connection, call, (client) =>
    requestDocument(client, {
      object: key,
      subres: { [subresource]: '', ...(versionId !== undefined && { versionId }) },
      headers: sent,
    }),
  )
  const { status }: ExchangeResponse = response
  return { value, unusable: (problem) => unusableResponse(contextOf(connection, call), status, problem) }
}
