import { EXPOSED_HEADERS, MAX_CORS_RULES, metadataHeaders } from '@oss-cse/crypto-core/internal'
import type { CorsConfiguration, CorsRule } from '@oss-cse/transport-oss'
import { configurationError, usageError } from '../base/cli-error.ts'
import { checkOrigin, covers, overlap } from './cors-origin.ts'

/** Any header, because an app can add its own: user metadata, conditions, storage classes. */
const ANY_HEADER = '*'
/** The requests of CryptoBucket. */
const METHODS: readonly string[] = ['GET', 'PUT', 'POST', 'DELETE', 'HEAD']
/** How long a browser may go without another preflight for the same URL. */
const MAX_AGE_SECONDS = 600

/**
 * The rule that a bucket needs for pages that encrypt and decrypt.
 *
 * @param origins - of the pages; each may contain one `*`
 * @param metadata - names of the user metadata that the pages read, without `x-oss-meta-`
 * @throws CliError of kind `usage` for an invalid origin; CseError `ERR_CSE_INVALID_ARGUMENT` for an invalid name
 */
export function neededRule(origins: readonly string[], metadata: readonly string[]): CorsRule {
  if (origins.length === 0) throw usageError('Name the origin of the pages: --origin https://app.example')
  for (const origin of origins) checkOrigin(origin)
  const own = metadata.flatMap((name) => Object.keys(metadataHeaders({ [name]: '' })))
  return {
    allowedOrigins: [...new Set(origins)],
    allowedMethods: METHODS,
    allowedHeaders: [ANY_HEADER],
    exposeHeaders: [...new Set([...EXPOSED_HEADERS, ...own])],
    maxAgeSeconds: MAX_AGE_SECONDS,
  }
}

/** What the rules of a bucket lack for pages of one origin. */
export interface CorsGap {
  readonly origin: string
  readonly methods: readonly string[]
  /**
   * `method`: no rule allows it. `headers`: no rule that allows it allows all request headers. `expose`: the page may not
   * read `exposeHeaders`.
   */
  readonly lacks: 'method' | 'headers' | 'expose'
  readonly exposeHeaders?: readonly string[]
}

/**
 * Compares the rules of a bucket with a needed rule, as the service applies them: the first rule that allows a request
 * counts, also for what its page may read.
 */
export function corsGaps(rules: readonly CorsRule[], needed: CorsRule): readonly CorsGap[] {
  return needed.allowedOrigins.flatMap((origin) => {
    const gaps = new Map<string, CorsGap>()
    for (const method of needed.allowedMethods) {
      for (const gap of gapsOf(rules, needed, origin, method)) {
        const id = JSON.stringify([gap.lacks, gap.exposeHeaders])
        gaps.set(id, { ...gap, methods: [...(gaps.get(id)?.methods ?? []), method] })
      }
    }
    return [...gaps.values()]
  })
}

function gapsOf(
  rules: readonly CorsRule[],
  needed: CorsRule,
  origin: string,
  method: string,
): readonly CorsGap[] {
  const allowing = rules.filter(({ allowedMethods }) => allowedMethods.includes(method))
  const gap = { origin, methods: [method] }
  const first = allowing.findIndex((rule) => coversOrigin(rule, origin))
  if (first === -1) return [{ ...gap, lacks: 'method' }]
  // A pattern stands for many origins, some of which an earlier rule may allow.
  const counting = allowing.slice(0, first + 1).filter((rule) => overlapsOrigin(rule, origin))
  const hidden = needed.exposeHeaders.filter(
    (name) => !counting.every(({ exposeHeaders }) => lowerCase(exposeHeaders).includes(name)),
  )
  const allowsHeaders = allowing.some(
    (rule) => coversOrigin(rule, origin) && rule.allowedHeaders.includes(ANY_HEADER),
  )
  return [
    ...(allowsHeaders ? [] : [{ ...gap, lacks: 'headers' } as const]),
    ...(hidden.length === 0 ? [] : [{ ...gap, lacks: 'expose', exposeHeaders: hidden } as const]),
  ]
}

/**
 * Adds a needed rule to the rules of a bucket, as the first one. It also exposes what earlier rules exposed to the same
 * origins, so that pages lose nothing. Rules that can no longer apply are left out.
 *
 * @throws CliError of kind `configuration` when there would be more rules than the service takes
 */
export function withRule(configuration: CorsConfiguration, needed: CorsRule): CorsConfiguration {
  const { allowedOrigins } = needed
  const exposedBefore = configuration.rules
    .filter((rule) => allowedOrigins.some((origin) => overlapsOrigin(rule, origin)))
    .flatMap(({ exposeHeaders }) => lowerCase(exposeHeaders))
  const others = configuration.rules.filter(
    (rule) => !rule.allowedOrigins.every((origin) => coversOrigin(needed, origin)),
  )
  const exposeHeaders = [...new Set([...needed.exposeHeaders, ...exposedBefore])]
  if (others.length >= MAX_CORS_RULES) {
    throw configurationError(
      `The bucket has ${others.length} other CORS rules, and OSS takes ${MAX_CORS_RULES} in all. Remove one of them.`,
    )
  }
  return { ...configuration, rules: [{ ...needed, exposeHeaders }, ...others] }
}

function coversOrigin({ allowedOrigins }: CorsRule, origin: string): boolean {
  return allowedOrigins.some((pattern) => covers(pattern, origin))
}

function overlapsOrigin({ allowedOrigins }: CorsRule, origin: string): boolean {
  return allowedOrigins.some((pattern) => overlap(pattern, origin))
}

function lowerCase(names: readonly string[]): readonly string[] {
  return names.map((name) => name.toLowerCase())
}
