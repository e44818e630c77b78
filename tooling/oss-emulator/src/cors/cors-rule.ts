/** One rule of a bucket's CORS configuration. Plain data: it is stored as JSON. */
export interface CorsRule {
  /** Each holds at most one `*`, which stands for any characters. */
  readonly allowedOrigins: readonly string[]
  readonly allowedMethods: readonly string[]
  /** Each holds at most one `*`; in any case. */
  readonly allowedHeaders: readonly string[]
  readonly exposeHeaders: readonly string[]
  /** How long a browser may keep the answer to a preflight. */
  readonly maxAgeSeconds?: number
}

/** A bucket's CORS configuration. Plain data. */
export interface CorsConfiguration {
  readonly rules: readonly CorsRule[]
  /** Whether every answer has `Vary: Origin`, also one to a request that is not cross-origin. */
  readonly responseVary: boolean
}

/** What a rule is chosen by. */
export interface CorsRequest {
  readonly origin: string
  readonly method: string
  /** The headers that a preflight asks for; none for any other request. */
  readonly headers: readonly string[]
}

/** The first rule that allows a request; `undefined` where none does. */
export function matchingRule(
  { rules }: CorsConfiguration,
  { origin, method, headers }: CorsRequest,
): CorsRule | undefined {
  return rules.find(
    ({ allowedOrigins, allowedMethods, allowedHeaders }) =>
      allowedOrigins.some((pattern) => matches(pattern, origin)) &&
      allowedMethods.includes(method) &&
      headers.every((header) =>
        allowedHeaders.some((pattern) => matches(pattern.toLowerCase(), header.toLowerCase())),
      ),
  )
}

function matches(pattern: string, text: string): boolean {
  const star = pattern.indexOf('*')
  if (star < 0) return pattern === text
  const [before, after] = [pattern.slice(0, star), pattern.slice(star + 1)]
  return text.length >= before.length + after.length && text.startsWith(before) && text.endsWith(after)
}
