/** What identifies the state of an object. */
export interface ObjectState {
  readonly etag?: string
  readonly lastModified?: Date
}

/** What the preconditions of a request say: `failed` is 412, `not-modified` 304. */
export type PreconditionVerdict = 'passed' | 'failed' | 'not-modified'

const ENTITY_TAGS = /(?:W\/)?"[^"]*"/g
const STRONG_TAG = /^"[^"]*"$/

/** Whether a request depends on the state of the object, apart from its range. */
export function hasPreconditions(headers: Headers): boolean {
  return ['if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since'].some((name) =>
    headers.has(name),
  )
}

/** Judges the preconditions of a GET or a HEAD in the order of RFC 9110, 13.2.2. */
export function judgePreconditions(
  headers: Headers,
  { etag, lastModified }: ObjectState,
): PreconditionVerdict {
  const ifMatch = headers.get('if-match')
  const ifNoneMatch = headers.get('if-none-match')
  const unmodifiedSince = httpDate(headers.get('if-unmodified-since'))
  const modifiedSince = httpDate(headers.get('if-modified-since'))
  if (ifMatch !== null) {
    if (!matchesStrongly(ifMatch, etag)) return 'failed'
  } else if (unmodifiedSince !== undefined && lastModified !== undefined) {
    if (lastModified.getTime() > unmodifiedSince) return 'failed'
  }
  if (ifNoneMatch !== null) return matchesWeakly(ifNoneMatch, etag) ? 'not-modified' : 'passed'
  const unchanged =
    modifiedSince !== undefined && lastModified !== undefined && lastModified.getTime() <= modifiedSince
  return unchanged ? 'not-modified' : 'passed'
}

/**
 * The ETag that an If-Range header demands.
 *
 * @returns undefined for a weak tag, and for a date: it has whole seconds, and an object may be replaced within one
 */
export function strongTag(header: string): string | undefined {
  const text = header.trim()
  return STRONG_TAG.test(text) ? text : undefined
}

function matchesStrongly(header: string, etag: string | undefined): boolean {
  return header.trim() === '*' || (etag !== undefined && tagsOf(header).includes(etag))
}

function matchesWeakly(header: string, etag: string | undefined): boolean {
  if (header.trim() === '*') return true
  return etag !== undefined && tagsOf(header).some((tag) => opaque(tag) === opaque(etag))
}

function tagsOf(header: string): readonly string[] {
  return header.match(ENTITY_TAGS) ?? []
}

function opaque(tag: string): string {
  return tag.replace(/^W\//, '')
}

function httpDate(header: string | null): number | undefined {
  if (header === null || !/GMT\s*$/.test(header)) return undefined
  const time = Date.parse(header)
  return Number.isNaN(time) ? undefined : time
}
