/** Where a request goes. */
export interface Address {
  readonly secure: boolean
  /** An IPv6 address has no brackets. */
  readonly hostname: string
  /** '' for the default port. */
  readonly port: string
  /** With the query. Never normalized: dot segments are part of the signature. */
  readonly path: string
}

/**
 * Parses the URL of a request.
 *
 * @throws TypeError for a string that is not a URL
 */
export function addressOf(url: string): Address {
  const { protocol, hostname, port } = new URL(url)
  return {
    secure: protocol === 'https:',
    hostname: hostname.replace(/^\[|\]$/g, ''),
    port,
    // Not the path of URL: it would resolve dot segments.
    path: url.slice(url.indexOf('/', url.indexOf('//') + 2)),
  }
}
