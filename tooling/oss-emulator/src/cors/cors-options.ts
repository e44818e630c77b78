import { EXPOSED_HEADERS } from '@oss-cse/crypto-core/internal'
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
      exposeHeaders: exposeHeaders ?? EXPOSED_HEADERS,
      ...(maxAgeSeconds === undefined ? {} : { maxAgeSeconds }),
    })),
    responseVary: false,
  })
}
