import type { OssRequest } from '../protocol/oss-request.ts'
import type { OssResponse } from '../protocol/oss-response.ts'
import { type CorsConfiguration, type CorsRule, matchingRule } from './cors-rule.ts'

/**
 * Adds the headers of the rule that allows the request to a response of any status. Without a matching rule or an
 * `Origin` the response stays as it is, except that `ResponseVary` adds `Vary: Origin` to each response of the bucket.
 * A response to a preflight already has these headers.
 */
export function withCorsHeaders(
  response: OssResponse,
  request: OssRequest,
  configuration: CorsConfiguration | undefined,
): OssResponse {
  if (configuration === undefined) return response
  const origin = request.header('origin')
  const { method } = request
  const rule =
    origin === undefined || method === 'OPTIONS'
      ? undefined
      : matchingRule(configuration, { origin, method, headers: [] })
  const allowing = rule === undefined || origin === undefined ? {} : corsHeaders(rule, origin)
  const headers = { ...response.headers, ...allowing }
  return rule === undefined && !configuration.responseVary
    ? { ...response, headers }
    : { ...response, headers: varyingByOrigin(headers) }
}

/** The headers of a rule. They name `*` for the pattern `*`, and the origin for any other pattern. */
export function corsHeaders(rule: CorsRule, origin: string): Record<string, string> {
  const { allowedOrigins, allowedMethods, exposeHeaders, maxAgeSeconds } = rule
  return {
    'Access-Control-Allow-Origin': allowedOrigins.includes('*') ? '*' : origin,
    'Access-Control-Allow-Methods': allowedMethods.join(', '),
    ...(exposeHeaders.length === 0 ? {} : { 'Access-Control-Expose-Headers': exposeHeaders.join(', ') }),
    ...(maxAgeSeconds === undefined ? {} : { 'Access-Control-Max-Age': String(maxAgeSeconds) }),
  }
}

/** Adds `Origin` to the `Vary` header of a response. */
export function varyingByOrigin(headers: Readonly<Record<string, string>>): Record<string, string> {
  const { Vary: vary } = headers
  if (vary?.split(', ').includes('Origin')) return headers
  return { ...headers, Vary: vary === undefined ? 'Origin' : `${vary}, Origin` }
}
