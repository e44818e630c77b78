/** Escapes everything but RFC 3986's unreserved characters, as V4 signatures and `encoding-type=url` want it. */
export function escapeRfc3986(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
