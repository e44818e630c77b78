import { V2_HEADERS } from '@oss-cse/crypto-core/internal'
import { CORS_METHODS, checkedCors } from './cors-configuration.ts'
import type { CorsConfiguration } from './cors-rule.ts'

/** A CORS rule that the first buckets have from the start. */
export interface CorsRuleOptions {
  /** For example `https://app.example` or `https://*.example`. `*` allows any origin. */
  readonly allowedOrigins: readonly string[]
  /** Default GET, PUT, DELETE, POST and HEAD. */
  readonly allowedMethods?: readonly string[]
  /** The request headers that a page may send. Default `*`. */
  readonly allowedHeaders?: readonly string[]
  /**
   * The response headers that a page may read. A `*` is not allowed. Default: the headers that a browser client of
   * encrypted objects reads. User metadata of the application is not among them.
   */
  readonly exposeHeaders?: readonly string[]
  /** How long a browser may cache a preflight response. Default: the browser's own default. */
  readonly maxAgeSeconds?: number
}

const EXPOSED: readonly string[] = [
  'ETag',
  'Date',
  'Last-Modified',
  'Content-Encoding',
  'Content-Length',
  'Content-MD5',
  'Content-Range',
  'x-oss-ec',
  'x-oss-err',
  'x-oss-hash-crc64ecma',
  'x-oss-next-append-position',
  'x-oss-object-type',
  'x-oss-request-id',
  'x-oss-server-time',
  'x-oss-storage-class',
  'x-oss-symlink-target',
  'x-oss-tagging-count',
  'x-oss-version-id',
  ...Object.values(V2_HEADERS),
]

/**
 * Builds a CORS configuration from the option `cors`.
 *
 * @throws OssError for a rule that the service would refuse
 */
export function corsOfOptions(rules: readonly CorsRuleOptions[]): CorsConfiguration {
  return checkedCors({
    rules: rules.map(({ allowedOrigins, allowedMethods, allowedHeaders, exposeHeaders, maxAgeSeconds }) => ({
      allowedOrigins,
      allowedMethods: allowedMethods ?? CORS_METHODS,
      allowedHeaders: allowedHeaders ?? ['*'],
      exposeHeaders: exposeHeaders ?? EXPOSED,
      ...(maxAgeSeconds === undefined ? {} : { maxAgeSeconds }),
    })),
    responseVary: false,
  })
}
