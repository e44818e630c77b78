import { compareCodePoints } from './code-point-order.ts'
import { CseError } from './errors.ts'

/** Names a master key: a map of strings to strings. `{}` means no description. */
export type MaterialDescription = Readonly<Record<string, string>>

/**
 * Characters that are written as `\uXXXX`: all but ASCII, and three that the Go SDKs escape. These SDKs look a key up
 * by the text of its description, not by its content (oss/crypto/crypto_bucket.go:293 of V1 3.0.2,
 * oss/encryption_client.go:325 of V2 1.6.1).
 */
const ESCAPED = /[<>&\u007f-\uffff]/g

function escapeForHeader(text: string): string {
  return text.replace(ESCAPED, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** Tells whether a description is empty. */
export function isEmptyDescription(description: MaterialDescription): boolean {
  return Object.keys(description).length === 0
}

/**
 * Returns the text of the header: a JSON object, compact, sorted by key, ASCII only. `<`, `>`, `&` and all characters
 * beyond ASCII are written as `\uXXXX`. The text is empty for an empty description, because the header is then left
 * out.
 *
 * @example
 * ```ts
 * formatMaterialDescription({ b: 'ü', a: '1' }) // {"a":"1","b":"\u00fc"}
 * ```
 */
export function formatMaterialDescription(description: MaterialDescription): string {
  if (isEmptyDescription(description)) return ''
  const pairs = Object.entries(description)
    .sort(([a], [b]) => compareCodePoints(a, b))
    .map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`)
  return escapeForHeader(`{${pairs.join(',')}}`)
}

/**
 * Parses a description in the form of any official SDK: with or without spaces, in any order, with `\uXXXX`, `\/` or
 * raw UTF-8. Absent, empty, `{}` and `[]` (PHP's empty map) all return `{}`.
 *
 * @throws CseError `ERR_CSE_ENVELOPE_DAMAGED` for anything that is not a JSON object of strings.
 */
export function parseMaterialDescription(text: string | undefined): MaterialDescription {
  if (text === undefined || text.trim() === '') return {}
  let value: unknown
  try {
    value = JSON.parse(decodeHeaderText(text))
  } catch {
    throw damagedDescription('it is not JSON')
  }
  if (Array.isArray(value) && value.length === 0) return {}
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw damagedDescription('it is not a JSON object')
  }
  if (Object.values(value).some((item) => typeof item !== 'string')) {
    throw damagedDescription('it contains a value that is not a string')
  }
  return copyDescription(value as Record<string, string>)
}

/** Tells whether two descriptions name the same key: they have the same pairs, in any order. */
export function equalDescriptions(a: MaterialDescription, b: MaterialDescription): boolean {
  const pairs = Object.entries(a)
  return (
    pairs.length === Object.keys(b).length &&
    pairs.every(([key, value]) => Object.hasOwn(b, key) && b[key] === value)
  )
}

/** Tells whether a value is a plain object of strings. A `Map`, for example, has no own entries. */
export function isTextMap(value: unknown): value is Readonly<Record<string, string>> {
  return (
    Object.prototype.toString.call(value) === '[object Object]' &&
    Object.values(value as object).every((item) => typeof item === 'string')
  )
}

/**
 * Returns a frozen copy of a caller's description.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when it is not a plain map of strings to strings.
 */
export function checkedDescription(description: MaterialDescription): MaterialDescription {
  if (!isTextMap(description)) {
    throw new CseError(
      'ERR_CSE_INVALID_ARGUMENT',
      'A material description must be a map of strings to strings, for example { "key": "2026-11" }.',
    )
  }
  return copyDescription(description)
}

/** Copies pair by pair, so that `__proto__` is a key like any other. */
function copyDescription(description: MaterialDescription): MaterialDescription {
  return Object.freeze(Object.fromEntries(Object.entries(description)))
}

/**
 * Decodes UTF-8 in a header's text. HTTP clients return header bytes as Latin-1, and the Go SDK writes raw UTF-8. So a
 * text whose characters, taken as bytes, are valid UTF-8 is decoded a second time.
 */
function decodeHeaderText(text: string): string {
  const codes = Array.from(text, (unit) => unit.charCodeAt(0))
  if (codes.every((code) => code < 0x80) || codes.some((code) => code > 0xff)) return text
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(codes))
  } catch {
    return text
  }
}

function damagedDescription(why: string): CseError {
  return new CseError('ERR_CSE_ENVELOPE_DAMAGED', `The object's material description cannot be read: ${why}.`)
}
