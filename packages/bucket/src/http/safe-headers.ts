/**
 * The headers of each response. Decrypted content must not be left in a cache. The browser must not guess another type, and
 * must not run what it shows, nor show it in a page of another origin.
 */
export const SAFE_HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy': "sandbox; default-src 'none'; frame-ancestors 'self'",
  'x-content-type-options': 'nosniff',
}
