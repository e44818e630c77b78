import type { SecurityToken } from './auth/security-tokens.ts'
import type { CorsRuleOptions } from './cors/cors-options.ts'
import type { CseSwitches } from './operations/cse-rules.ts'
import type { GzipMode } from './operations/operation-context.ts'
import type { RandomFaults } from './server/faults.ts'

/** Options of `startOssEmulator`. */
export interface OssEmulatorOptions {
  /** The address to listen on. Default `127.0.0.1`. */
  readonly host?: string
  /** The port; 0, the default, takes a free one. */
  readonly port?: number
  /** Where objects are kept. They stay in RAM when absent. One emulator at a time may use a directory. */
  readonly dataDir?: string
  /** Buckets that exist from the start. Default `['demo']`. */
  readonly buckets?: readonly string[]
  /**
   * The CORS rules of `buckets` at the start, in place of any that `dataDir` has. Default: none, and so no page of
   * another origin can use a bucket until PutBucketCors.
   */
  readonly cors?: readonly CorsRuleOptions[]
  /** Random when absent. */
  readonly accessKeyId?: string
  /** Random when absent. */
  readonly accessKeySecret?: string
  /** Makes the access key a temporary one: every request must then carry a token, such as this, which stays valid. */
  readonly securityToken?: string
  /** Further tokens, valid beside each other, each until it expires by `clock`. */
  readonly securityTokens?: readonly SecurityToken[]
  /** The region without `oss-`. Default `cn-hangzhou`. */
  readonly region?: string
  /** A file that gets one line of JSON for each request. */
  readonly accessLog?: string
  /** Faults at random. */
  readonly faults?: RandomFaults
  /** The server's clock. */
  readonly clock?: () => Date
  /** How disputed rules of client-side encryption are read. */
  readonly cse?: CseSwitches
  /**
   * What is compressed where a request accepts gzip: text of 1 KB and more, without a range. `get`, the default, is
   * GetObject; `get-and-head` also leaves the length and the ETag out of a HeadObject, as one page of the
   * documentation says and others do not; `off` is nothing.
   */
  readonly gzip?: GzipMode
  /** The bucket of requests that name none (`cname`). Default: the first bucket. */
  readonly cnameBucket?: string
  /** How many requests `requests` holds; the oldest are dropped first. Default 10,000. */
  readonly maxRecordedRequests?: number
}
