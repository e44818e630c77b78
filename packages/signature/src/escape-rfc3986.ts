/**
 * Escapes all characters except A-Z, a-z, 0-9, `-`, `.`, `_` and `~`. `encodeURIComponent` leaves five more.
 *
 * @throws URIError for half of a surrogate pair
 */
export function escapeRfc3986(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
