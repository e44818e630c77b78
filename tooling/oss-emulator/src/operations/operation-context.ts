import type { OssRequest } from '../protocol/oss-request.ts'
import type { RequestBody } from '../protocol/request-body.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import type { CseSwitches } from './cse-rules.ts'
import type { GzipMode } from './objects/gzip-response.ts'

/** What every operation gets: an authenticated request and the state it works on. */
export interface OperationContext {
  readonly store: ObjectStore
  readonly request: OssRequest
  readonly body: RequestBody
  /** Empty for an operation on the service. */
  readonly bucket: string
  /** Empty for an operation on the service or a bucket. */
  readonly key: string
  readonly now: () => Date
  readonly cse: Required<CseSwitches>
  readonly gzip: GzipMode
  readonly region: string
  /** The host and port that clients reach the server by. */
  readonly authority: string
}

/** The one account that owns everything. */
export const OWNER = { ID: '1234567890123456', DisplayName: '1234567890123456' } as const

/** The longest XML document that is read: a Delete of 1,000 keys or a Complete of 10,000 parts fits well. */
const MAX_XML_BYTES = 8 * 1024 * 1024

/** The XML document of a request, compared with its Content-MD5 where there is one. */
export function readDocument({ body, request }: OperationContext): Promise<string> {
  return body.text(MAX_XML_BYTES, request.header('content-md5'))
}
