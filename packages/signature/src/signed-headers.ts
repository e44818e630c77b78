/** The prefix of the headers that both versions sign. */
export const OSS_PREFIX = 'x-oss-'

/** The time of a request. */
export const DATE_HEADER = 'x-oss-date'
/** What version 4 signs in place of the body. */
export const CONTENT_HEADER = 'x-oss-content-sha256'

/** A header, or a parameter of the query. */
type HeaderEntry = readonly [name: string, value: string]

/** Returns the headers that begin with `x-oss-` and those that `isAlsoSigned` selects, ordered by name. */
export function signedHeaders(
  headers: Readonly<Record<string, string>>,
  isAlsoSigned: (name: string) => boolean,
): readonly HeaderEntry[] {
  return Object.entries(headers)
    .filter(([name]) => name.startsWith(OSS_PREFIX) || isAlsoSigned(name))
    .sort(byName)
}

/** Returns the headers as lines. The service removes the white space around a value before it checks a signature. */
export function headerLines(headers: readonly HeaderEntry[]): string {
  let lines = ''
  for (const [name, value] of headers) lines += `${name}:${value.trim()}\n`
  return lines
}

/** Orders pairs by their names, by UTF-16 code units. All names that are compared are ASCII. */
export function byName([a]: HeaderEntry, [b]: HeaderEntry): number {
  return a < b ? -1 : 1
}
