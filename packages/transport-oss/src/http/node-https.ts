/**
 * Returns Node's module for HTTPS. It is loaded at the first call: TLS takes longer to load than HTTP, and a server on
 * this machine often has none.
 */
export function nodeHttps(): typeof import('node:https') {
  return process.getBuiltinModule('node:https')
}
