/** What the page may load and where it may send. See docs/BROWSER_SECURITY.md. */
export function contentSecurityPolicy({ endpoint }) {
  return [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    `connect-src 'self' ${endpoint}`,
    "worker-src 'self' blob:",
    "style-src 'self'",
    "img-src 'self'",
    "media-src 'self'",
    "frame-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    'trusted-types oss-cse web-drive',
  ].join('; ')
}
