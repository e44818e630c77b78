import { usageError } from '../base/cli-error.ts'

/** A scheme, and a host with an optional port, or with a wildcard in it. */
const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@\\]+$/
const ASCII = /^[\x21-\x7e]+$/

/**
 * Refuses what no browser sends as the origin of a page, in which the service would find nothing wrong.
 *
 * @param text - `*`, or an origin with at most one `*` in it
 * @throws CliError of kind `usage`
 */
export function checkOrigin(text: string): void {
  if (text === '*') return
  if (text.startsWith('oss://')) {
    throw usageError(`--origin has the URL of a bucket: ${text}. Write that URL before the options.`)
  }
  const wildcards = text.split('*').length - 1
  if (!ASCII.test(text) || !ORIGIN.test(text) || wildcards > 1 || !isSentByBrowsers(text)) {
    throw usageError(`${JSON.stringify(text)} is not an origin. ${adviceOn(text)}`)
  }
}

/** Browsers send the origin of a web page in one form: in lower case, without the default port of its scheme. */
function isSentByBrowsers(text: string): boolean {
  if (!/^https?:/.test(text)) return true
  // A wildcard can stand for letters, or for the digits of a port.
  return ['a', '8'].some((some) => normalForm(text.replace('*', some)) === text.replace('*', some))
}

function adviceOn(text: string): string {
  const normal = text.includes('*') ? undefined : normalForm(text)
  const example = normal ?? 'https://app.example'
  return `Write a scheme, a host and an optional port, in ASCII, with at most one *: ${example}`
}

function normalForm(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined
  const { origin } = new URL(text)
  return origin === 'null' ? undefined : origin
}

/** Whether a pattern of a rule allows each origin that another pattern, or an origin, stands for. */
export function covers(pattern: string, other: string): boolean {
  const [before, after] = halves(pattern)
  if (after === undefined) return pattern === other
  const [otherBefore, otherAfter = otherBefore] = halves(other)
  const isLongEnough = other.includes('*') || other.length >= before.length + after.length
  return isLongEnough && otherBefore.startsWith(before) && otherAfter.endsWith(after)
}

/** Whether there can be an origin that both patterns allow. */
export function overlap(one: string, other: string): boolean {
  if (!one.includes('*')) return covers(other, one)
  if (!other.includes('*')) return covers(one, other)
  const [before, after = ''] = halves(one)
  const [otherBefore, otherAfter = ''] = halves(other)
  return (
    (before.startsWith(otherBefore) || otherBefore.startsWith(before)) &&
    (after.endsWith(otherAfter) || otherAfter.endsWith(after))
  )
}

/** What stands before and after the wildcard. Without one, there is no second half. */
function halves(pattern: string): readonly [string, string?] {
  const at = pattern.indexOf('*')
  return at === -1 ? [pattern] : [pattern.slice(0, at), pattern.slice(at + 1)]
}
