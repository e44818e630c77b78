/**
 * Characters that can move a terminal's cursor, start another line of a log, or change the order of the shown text: the
 * control characters of ASCII and Latin-1, line and paragraph separators, marks of the writing direction, and halves of
 * surrogate pairs, which are not characters.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu

/** Escapes a text for one line of a terminal or a log, whatever an object's key or a server's text contains. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => {
    const hex = (character.codePointAt(0) ?? 0).toString(16)
    return hex.length <= 2 ? `\\x${hex.padStart(2, '0')}` : `\\u{${hex}}`
  })
}

/**
 * Formats a value as one line of JSON, with the same characters escaped. `JSON.stringify` leaves most of them
 * unescaped.
 */
export function printableJson(value: unknown): string {
  return JSON.stringify(value).replace(
    UNPRINTABLE,
    (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  )
}
