import type { SecurityToken } from './auth/security-tokens.ts'
import type { CorsRuleOptions } from './cors/cors-options.ts'
import type { CseSwitches } from './operations/cse-rules.ts'
import type { GzipMode } from './operations/operation-context.ts'
import type { RandomFaults } from './server/faults.ts'

/** Options of `startOssEmulator`. */
export interface OssEmulatorOptions {
  /** The address to listen on. Default `127.0.0.1`. */
  readonly host?: string
  /** The port. Default 0: a free port. */
  readonly port?: number
  /** The directory that holds the objects. Default: they stay in RAM. One emulator at a time may use a directory. */
  readonly dataDirectory?: string
  /** Buckets that exist from the start. Default `['demo']`. */
  readonly buckets?: readonly string[]
  /**
   * The CORS rules of `buckets` at the start. They replace those in `dataDirectory`. Default: none, so no page of another
   * origin can use a bucket before PutBucketCors.
   */
  readonly cors?: readonly CorsRuleOptions[]
  /** Default: random. */
  readonly accessKeyId?: string
  /** Default: random. */
  readonly accessKeySecret?: string
  /** Makes the access key a temporary one: each request must then carry a valid token. This token does not expire. */
  readonly securityToken?: string
  /** Further valid tokens. Each is valid until it expires by `clock`. */
  readonly securityTokens?: readonly SecurityToken[]
  /** The region without `oss-`. Default `cn-hangzhou`. */
  readonly region?: string
  /** A file to which one line of JSON is appended for each request. */
  readonly accessLog?: string
  /** Random faults. Default: none. */
  readonly faults?: RandomFaults
  /** The clock of the server. Default: the system clock. */
  readonly clock?: () => Date
  /** Switches for disputed rules of client-side encryption. */
  readonly cse?: CseSwitches
  /**
   * Which requests that accept gzip get a compressed response. Only text of 1 KB or more without a range is compressed.
   *
   * - `get`, the default: GetObject.
   * - `get-and-head`: HeadObject too, whose response then lacks the length and the ETag. One page of the documentation
   *   says so, others do not.
   * - `off`: none.
   */
  readonly gzip?: GzipMode
  /** The most entries of a page of a listing, when a request asks for more. Default 1,000. */
  readonly maxListedKeys?: number
  /** The bucket of requests that name none (`cname`). Default: the first bucket. */
  readonly cnameBucket?: string
  /** The maximum length of `requests`. The oldest requests are dropped first. Default 10,000. */
  readonly maxRecordedRequests?: number
}
