/**
 * Returns Node's module for HTTP. Not an import: an import of it reads all its exports, and so loads WebSocket and fetch, which
 * takes longer than all else that a worker loads. Also, a tool that replaces a function of it is seen by the next call.
 */
export function nodeHttp(): typeof import('node:http') {
  return process.getBuiltinModule('node:http')
}

/**
 * Returns Node's module for HTTPS. It is loaded at the first call: TLS takes longer to load than HTTP, and a server on
 * this machine often has none.
 */
export function nodeHttps(): typeof import('node:https') {
  return process.getBuiltinModule('node:https')
}

/** Returns Node's module for TLS. It is loaded at the first call. */
export function nodeTls(): typeof import('node:tls') {
  return process.getBuiltinModule('node:tls')
}
