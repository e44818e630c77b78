import type { AliOssOptions } from '../ali-oss/ali-oss-client.ts'
import { type Address, addressOf } from '../http/address.ts'
import type { ObjectRequest } from './object-request.ts'

const HOST = /^[a-zA-Z0-9._-]+(?::\d+)?$/
/** As ali-oss 6.23 lib/common/utils/isIP.js. An IPv6 address does not pass `HOST`. */
const IPV4 = /^(25[0-5]|2[0-4]\d|[0-1]?\d?\d)(\.(25[0-5]|2[0-4]\d|[0-1]?\d?\d)){3}$/

/** The parts of the address that requests of one client share. */
interface Site {
  readonly base: string
  readonly address: Address
}

/**
 * Addresses objects as ali-oss 6.23 lib/common/client/getReqUrl.js does. It keeps what it parsed for the last endpoint,
 * because that is the same for almost every request.
 */
export class ObjectAddresses {
  #last: Site | undefined

  /**
   * Returns the address of a request.
   *
   * @param options - with an endpoint that `isKnownEndpoint` knows
   * @throws URIError for half of a surrogate pair
   */
  address(options: AliOssOptions, bucket: string, { key, subresources }: ObjectRequest): Address {
    const { endpoint, sldEnable } = options
    const inHost = !options.cname && !sldEnable && !isIPv4(endpoint?.hostname)
    const base = `${endpoint?.protocol}//${inHost ? `${bucket}.` : ''}${endpoint?.host}`
    if (this.#last?.base !== base) this.#last = { base, address: addressOf(`${base}/`) }
    const inPath = sldEnable ? `/${bucket}/` : '/'
    const path = inPath + encodeURIComponent(key).replaceAll('%2F', '/') + queryOf(subresources)
    return { ...this.#last.address, path }
  }
}

/**
 * Returns the Host header that ali-oss sends to an endpoint that is an IP address, as in ali-oss 6.23
 * lib/common/utils/createRequest.js, or undefined for other endpoints.
 */
export function inventedHost(
  { endpoint, region, internal }: AliOssOptions,
  bucket: string,
): string | undefined {
  if (!isIPv4(endpoint?.hostname)) return undefined
  const suffix = internal && !region?.startsWith('vpc100-oss-cn-') ? '-internal' : ''
  return `${bucket}.${region?.toLowerCase()}${suffix}.aliyuncs.com`
}

/** Whether an endpoint is a host and a port alone. ali-oss puts the other parts of a parsed URL into addresses too. */
export function isKnownEndpoint({ endpoint }: AliOssOptions): boolean {
  return (
    typeof endpoint === 'object' &&
    (endpoint?.protocol === 'http:' || endpoint?.protocol === 'https:') &&
    typeof endpoint.hostname === 'string' &&
    typeof endpoint.host === 'string' &&
    HOST.test(endpoint.host) &&
    !endpoint.search &&
    !endpoint.auth &&
    !endpoint.hash
  )
}

function isIPv4(hostname: string | null | undefined): boolean {
  return IPV4.test(hostname ?? '')
}

function queryOf(subresources: ObjectRequest['subresources']): string {
  if (subresources === undefined) return ''
  let query = ''
  for (const [name, value] of Object.entries(subresources)) {
    query += `${query === '' ? '?' : '&'}${encodeURIComponent(name)}=${encodeURIComponent(value)}`
  }
  return query
}
