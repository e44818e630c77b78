import type { OssRequest } from '../protocol/oss-request.ts'
import type { RequestBody } from '../protocol/request-body.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import type { CseSwitches } from './cse-rules.ts'

/** Which requests may get a gzip response. */
export type GzipMode = 'off' | 'get' | 'get-and-head'

/** What an operation receives: an authenticated request and the state it works on. */
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
  /** The most entries of a page of a listing. */
  readonly maxListedKeys: number
  readonly region: string
  /** The host and port at which the client reached the server. */
  readonly authority: string
}

/** The one account that owns everything. */
export const OWNER = { ID: '1234567890123456', DisplayName: '1234567890123456' } as const

/** The longest XML document that is read by default. A Delete of 1,000 keys or a Complete of 10,000 parts fits. */
const MAX_XML_BYTES = 8 * 1024 * 1024

/**
 * Reads the XML document of a request and compares it with its Content-MD5, if there is one.
 *
 * @throws OssError `EntityTooLarge` or `InvalidDigest`
 */
export function readDocument(
  { body, request }: OperationContext,
  maxBytes: number = MAX_XML_BYTES,
): Promise<string> {
  return body.text(maxBytes, request.header('content-md5'))
}
