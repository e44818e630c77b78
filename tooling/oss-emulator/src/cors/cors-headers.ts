import type { OssRequest } from '../protocol/oss-request.ts'
import type { OssResponse } from '../protocol/oss-response.ts'
import { type CorsConfiguration, type CorsRule, matchingRule } from './cors-rule.ts'

/**
 * An answer, of whatever status, with the headers of the rule that allows its request. No rule and no `Origin` leave
 * it as it is, except that `ResponseVary` marks every answer of the bucket. That to a preflight has them already.
 */
export function withCorsHeaders(
  answer: OssResponse,
  request: OssRequest,
  configuration: CorsConfiguration | undefined,
): OssResponse {
  if (configuration === undefined) return answer
  const origin = request.header('origin')
  const { method } = request
  const rule =
    origin === undefined || method === 'OPTIONS'
      ? undefined
      : matchingRule(configuration, { origin, method, headers: [] })
  const allowing = rule === undefined || origin === undefined ? {} : corsHeaders(rule, origin)
  const headers = { ...answer.headers, ...allowing }
  return rule === undefined && !configuration.responseVary
    ? { ...answer, headers }
    : { ...answer, headers: varyingByOrigin(headers) }
}

/** The headers of a rule: a `*` is answered as such, any other pattern with the origin that it allows. */
export function corsHeaders(rule: CorsRule, origin: string): Record<string, string> {
  const { allowedOrigins, allowedMethods, exposeHeaders, maxAgeSeconds } = rule
  return {
    'Access-Control-Allow-Origin': allowedOrigins.includes('*') ? '*' : origin,
    'Access-Control-Allow-Methods': allowedMethods.join(', '),
    ...(exposeHeaders.length === 0 ? {} : { 'Access-Control-Expose-Headers': exposeHeaders.join(', ') }),
    ...(maxAgeSeconds === undefined ? {} : { 'Access-Control-Max-Age': String(maxAgeSeconds) }),
  }
}

/** Adds `Origin` to what an answer varies by. */
export function varyingByOrigin(headers: Readonly<Record<string, string>>): Record<string, string> {
  const { Vary: vary } = headers
  if (vary?.split(', ').includes('Origin')) return headers
  return { ...headers, Vary: vary === undefined ? 'Origin' : `${vary}, Origin` }
}
