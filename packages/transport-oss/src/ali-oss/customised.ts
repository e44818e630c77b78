import type { AliOssClient } from './ali-oss-client.ts'
import { type AliOss, loadAliOss } from './load-ali-oss.ts'

/** The methods of ali-oss 6.23 that decide about a call that `runObjectCall` makes. */
const DECISIVE = [
  '_convertMetaToHeaders',
  '_createStream',
  '_escape',
  '_getReqUrl',
  '_getResource',
  '_objectName',
  '_objectRequestParams',
  '_uploadPart',
  'abortMultipartUpload',
  'authorization',
  'authorizationV4',
  'completeMultipartUpload',
  'createRequest',
  'getStream',
  'head',
  'initMultipartUpload',
  'parseXML',
  'put',
  'putStream',
  'request',
  'signature',
  'uploadPart',
] as const

/** The class of ali-oss, once it is loaded. */
let aliOss: AliOss | undefined

/**
 * Returns whether requests of a client may differ from those of ali-oss, because the app replaced one of its methods,
 * by a property or in a subclass. A client of another copy of ali-oss counts as customised too.
 */
export async function isCustomised(client: AliOssClient): Promise<boolean> {
  // A client that the user made works without an ali-oss that this package can find.
  aliOss ??= await loadAliOss().catch(() => undefined)
  if (aliOss === undefined) return true
  const original = aliOss.prototype as unknown as Readonly<Record<string, unknown>>
  const given = client as unknown as Readonly<Record<string, unknown>>
  return DECISIVE.some((member) => given[member] !== original[member])
}
