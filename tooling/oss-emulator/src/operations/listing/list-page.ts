import { compareBytes } from '../../storage/compare-bytes.ts'

/** One page of a list. */
export interface Page<Entry> {
  readonly entries: readonly Entry[]
  readonly commonPrefixes: readonly string[]
  /** The last key or common prefix of the page, if more follow. */
  readonly nextMarker: string | undefined
}

/**
 * Returns one page of keys in byte order. A common prefix counts as one entry. A marker that is a common prefix skips
 * all keys with that prefix.
 */
export function listPage(
  sortedKeys: readonly string[],
  options: {
    readonly prefix: string
    readonly delimiter: string
    readonly after: string
    readonly limit: number
  },
): Page<string> {
  const { prefix, delimiter, after, limit } = options
  const entries: string[] = []
  const commonPrefixes: string[] = []
  let last = ''
  const from =
    prefix !== '' && compareBytes(prefix, after) > 0
      ? lowerBound(sortedKeys, prefix)
      : lowerBound(sortedKeys, after)
  for (let index = from; index < sortedKeys.length; index++) {
    const key = sortedKeys[index] as string
    if (!key.startsWith(prefix)) {
      if (compareBytes(key, prefix) > 0) break
      continue
    }
    if (after !== '' && compareBytes(key, after) <= 0) continue
    const cut = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length)
    const common = cut < 0 ? undefined : key.slice(0, cut + delimiter.length)
    if (common !== undefined && (common === commonPrefixes.at(-1) || common === after)) continue
    if (entries.length + commonPrefixes.length >= limit) return { entries, commonPrefixes, nextMarker: last }
    if (common === undefined) entries.push(key)
    else commonPrefixes.push(common)
    last = common ?? key
  }
  return { entries, commonPrefixes, nextMarker: undefined }
}

/** The index of the first key that is not below `wanted`. */
function lowerBound(sortedKeys: readonly string[], wanted: string): number {
  let low = 0
  let high = sortedKeys.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareBytes(sortedKeys[middle] as string, wanted) < 0) low = middle + 1
    else high = middle
  }
  return low
}
