/** Escapes all but the unreserved characters of RFC 3986. V4 signatures and `encoding-type=url` need this. */
export function escapeRfc3986(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
