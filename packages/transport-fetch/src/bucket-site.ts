import { CseError } from '@oss-cse/crypto-core'
import { checkBucketName } from '@oss-cse/crypto-core/internal'

/** Where a bucket is. */
export interface BucketAddress {
  readonly bucket: string
  /** `cn-hangzhou` or `oss-cn-hangzhou`. It is part of every signature, so an `endpoint` does not replace it. */
  readonly region: string
  /** The endpoint, such as `https://oss-accelerate.aliyuncs.com`. Default: the region's public endpoint, with HTTPS. */
  readonly endpoint?: string | undefined
  /**
   * Where the bucket appears in the address: in the host (`virtual`), in the path (`path`), or not at all, because the
   * endpoint is a domain bound to the bucket (`cname`). Default: `path` for localhost and IP addresses, otherwise
   * `virtual`.
   */
  readonly addressing?: 'virtual' | 'path' | 'cname' | undefined
}

/** A bucket whose address was checked. */
export interface BucketSite {
  readonly bucket: string
  /** Without `oss-`. */
  readonly region: string
  /** The endpoint and the bucket: the same text as in other transports. */
  readonly location: string
  /** Returns the URL of an object, or of the bucket. A parameter without a value has the value ''. */
  url(key: string | undefined, query: Readonly<Record<string, string>>): string
}

/**
 * Checks the address of a bucket.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT`
 */
export function bucketSite({ bucket, region, endpoint, addressing }: BucketAddress): BucketSite {
  checkBucketName(bucket)
  if (typeof region !== 'string' || !/^[a-z0-9-]+$/.test(region)) {
    throw invalid('`region` is missing or malformed. Pass the bucket\'s region, such as "cn-hangzhou".')
  }
  const name = region.replace(/^oss-/, '')
  const { protocol, host, hostname } = checkedEndpoint(endpoint ?? `https://oss-${name}.aliyuncs.com`)
  const isLocal = hostname === 'localhost' || /^[\d.]+$|^\[/.test(hostname)
  const chosen = addressing ?? (isLocal ? 'path' : 'virtual')
  if (chosen !== 'virtual' && chosen !== 'path' && chosen !== 'cname') {
    throw invalid('`addressing` must be "virtual", "path" or "cname".')
  }
  if (chosen === 'cname' && endpoint === undefined) {
    throw invalid('`addressing: "cname"` needs `endpoint`: the domain bound to the bucket.')
  }
  if (chosen === 'virtual' && host.startsWith(`${bucket}.`)) {
    throw invalid('`endpoint` already starts with the bucket. Leave it out, or use `addressing: "cname"`.')
  }
  const base = `${protocol}//${chosen === 'virtual' ? `${bucket}.` : ''}${host}/${chosen === 'path' ? `${bucket}/` : ''}`
  return {
    bucket,
    region: name,
    location: `${protocol}//${host}/${bucket}`,
    url: (key = '', query) => base + encodeURIComponent(key).replaceAll('%2F', '/') + queryOf(query),
  }
}

function checkedEndpoint(endpoint: string): URL {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined
  // An address with a user name, a path or a query is not the whole of its origin.
  if (!/^https?:$/.test(url?.protocol ?? '') || url?.href !== `${url?.origin}/`) {
    throw invalid('`endpoint` must be http:// or https://, a host and an optional port, and nothing else.')
  }
  return url
}

function queryOf(query: Readonly<Record<string, string>>): string {
  const parameters = Object.entries(query).map(
    ([name, value]) => encodeURIComponent(name) + (value === '' ? '' : `=${encodeURIComponent(value)}`),
  )
  return parameters.length === 0 ? '' : `?${parameters.join('&')}`
}

function invalid(message: string): CseError {
  return new CseError('ERR_CSE_INVALID_ARGUMENT', message)
}
