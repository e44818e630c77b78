/** One rule of a bucket's CORS configuration. Stored as JSON. */
export interface CorsRule {
  /** Each contains at most one `*`, which stands for any characters. */
  readonly allowedOrigins: readonly string[]
  readonly allowedMethods: readonly string[]
  /** Each contains at most one `*`. Case does not matter. */
  readonly allowedHeaders: readonly string[]
  readonly exposeHeaders: readonly string[]
  /** How long a browser may cache a preflight response. */
  readonly maxAgeSeconds?: number
}

/** A bucket's CORS configuration. Stored as JSON. */
export interface CorsConfiguration {
  readonly rules: readonly CorsRule[]
  /** Whether each response has `Vary: Origin`, even if its request is not cross-origin. */
  readonly responseVary: boolean
}

/** The properties of a request that select its rule. */
export interface CorsRequest {
  readonly origin: string
  readonly method: string
  /** The headers that a preflight asks for. Empty for any other request. */
  readonly headers: readonly string[]
}

/** The first rule that allows a request, or `undefined`. */
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
