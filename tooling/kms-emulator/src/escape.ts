/** Escapes all but RFC 3986's unreserved characters, as both signatures require. */
export function escapeRfc3986(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

/** Returns the bytes of a text in a query or a form. `+` means a space, and an invalid escape is kept literally. */
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

/** Like `escapeRfc3986`, for bytes that need not be UTF-8. */
export function escapeBytes(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => {
    const character = String.fromCharCode(byte)
    return /[A-Za-z0-9\-._~]/.test(character)
      ? character
      : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }).join('')
}
