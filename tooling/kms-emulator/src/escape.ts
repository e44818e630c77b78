/** Escapes all but the unreserved characters of RFC 3986, as both signatures require. */
export function escapeRfc3986(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

/** Decodes a text of a query or a form to bytes. `+` is a space, and a broken escape is literal text. */
export function unescapeFormText(text: string): Buffer {
  const unescaped = text
    .replaceAll('+', ' ')
    .replace(/%[0-9a-f]{2}|[\u0080-\uffff]+/gi, (piece) =>
      piece.startsWith('%')
        ? String.fromCharCode(Number.parseInt(piece.slice(1), 16))
        : Buffer.from(piece, 'utf8').toString('latin1'),
    )
  return Buffer.from(unescaped, 'latin1')
}

/** Like `escapeRfc3986`, for bytes that are not necessarily UTF-8. */
export function escapeBytes(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => {
    const character = String.fromCharCode(byte)
    return /[A-Za-z0-9\-._~]/.test(character)
      ? character
      : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }).join('')
}
