import { createHmac } from 'node:crypto'
import type { OssRequest, QueryParameter } from '../protocol/oss-request.ts'
import type { Location } from '../protocol/possible-locations.ts'
import { emptyParameterForms } from './empty-parameters.ts'

/** All parameters that any SDK signs. Parameters that start with `x-oss-` are signed as well. */
const SIGNED_PARAMETERS: ReadonlySet<string> = new Set(
  `accessPoint accessPointConfigForObjectProcess accessPointForObjectProcess accessPointPolicy
  accessPointPolicyForObjectProcess acl append asyncFetch bucketArchiveDirectRead bucketInfo callback callback-var
  cleanRestoredObject cloudboxes cname comp continuation-token cors dataAccelerator delete encryption endTime httpsConfig
  img inventory inventoryId lifecycle live location logging metaQuery objectMeta partNumber policy policyStatus position
  processConfiguration publicAccessBlock qos qosInfo qosRequester redundancyTransition redundancyType referer regionList
  regions replication replicationLocation replicationProgress requestPayment requesterQosInfo reservedcapacity
  resourceGroup resourcePool resourcePoolBuckets resourcePoolInfo response-cache-control response-content-disposition
  response-content-encoding response-content-language response-content-type response-expires responseHeader restore
  rtc security-token sequential startTime stat status style styleName symlink tagging token transferAcceleration udf
  udfApplication udfApplicationLog udfId udfImage udfImageDesc udfName uploadId uploads userDefinedLogFieldsConfig
  versionId versioning versions vod website withHashContext worm wormExtend wormId`.split(/\s+/),
)

/** Whether a query parameter selects or changes an operation. Such a parameter is part of a V1 signature. */
export function isSubresource(name: string): boolean {
  return SIGNED_PARAMETERS.has(name) || name.startsWith('x-oss-')
}

/** The input of a V1 signature. */
export interface V1Input {
  readonly method: string
  readonly headers: ReadonlyMap<string, string>
  readonly parameters: readonly QueryParameter[]
  readonly location: Location
  /** The Date line: a date, or the expiry of a presigned URL. */
  readonly date: string
}

/**
 * The strings that a client may have signed for a request. SDKs disagree on how to write an empty parameter. The string
 * of the specification comes first.
 */
export function v1StringsToSign(input: V1Input): readonly string[] {
  const { method, headers, location } = input
  const ossHeaders = [...headers.entries()]
    .filter(([name]) => name.startsWith('x-oss-'))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}:${value.trim()}\n`)
    .join('')
  const resource =
    location.bucket === ''
      ? '/'
      : location.key === ''
        ? `/${location.bucket}/`
        : `/${location.bucket}/${location.key}`
  const head = `${method}\n${headers.get('content-md5') ?? ''}\n${headers.get('content-type') ?? ''}\n${input.date}\n`
  const signed = input.parameters
    .filter(({ name }) => isSubresource(name))
    .toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
  return emptyParameterForms(signed).map(
    (query) => `${head}${ossHeaders}${resource}${query === '' ? '' : `?${query}`}`,
  )
}

/** The base64 HMAC-SHA1 of a V1 string to sign. */
export function v1Signature(accessKeySecret: string, stringToSign: string): string {
  return createHmac('sha1', accessKeySecret).update(stringToSign, 'utf8').digest('base64')
}

/** The parameters of a presigned V1 URL without those of its authentication, which are not signed. */
export function withoutV1Authentication(request: OssRequest): readonly QueryParameter[] {
  return request.parameters.filter(({ name }) => !['OSSAccessKeyId', 'Expires', 'Signature'].includes(name))
}
