import { CseError } from './errors.ts'

/** Where a bucket is, as users say it. */
export interface BucketAddress {
  readonly bucket: string
  /** `cn-hangzhou` or `oss-cn-hangzhou`. It is part of every V4 signature, so an `endpoint` does not replace it. */
  readonly region: string
  /** The endpoint, such as `https://oss-accelerate.aliyuncs.com`. Default: the region's public endpoint. */
  readonly endpoint?: string | undefined
  /**
   * Where the bucket appears in the address: in the host (`virtual`), in the path (`path`), or not at all, because
   * the endpoint is a domain bound to the bucket (`cname`). Default: `path` for localhost and IP addresses, otherwise
   * `virtual`.
   */
  readonly addressing?: 'virtual' | 'path' | 'cname' | undefined
}

/** The address of a bucket, checked. */
export interface CheckedBucketAddress {
  readonly bucket: string
  /** Without `oss-`. */
  readonly region: string
  /** Undefined for the public endpoint of the region. */
  readonly endpoint: URL | undefined
  readonly addressing: 'virtual' | 'path' | 'cname'
}

/**
 * Checks the address of a bucket.
 *
 * @param address - `secure` is the protocol of an endpoint that names none. It must not contradict one that does
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT`
 */
export function checkedBucketAddress(
  address: BucketAddress & { readonly secure?: boolean | undefined },
): CheckedBucketAddress {
  const { bucket, region } = address
  checkBucketName(bucket)
  if (typeof region !== 'string' || !/^[a-z0-9-]+$/.test(region)) {
    throw invalid('`region` is missing or malformed. Pass the bucket\'s region, such as "cn-hangzhou".')
  }
  const endpoint = checkedEndpoint(address)
  return {
    bucket,
    region: region.replace(/^oss-/, ''),
    endpoint,
    addressing: checkedAddressing(address, endpoint),
  }
}

/**
 * Checks that a string is a valid bucket name.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT`
 */
export function checkBucketName(bucket: string): void {
  if (typeof bucket !== 'string' || !/^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/.test(bucket)) {
    throw new CseError(
      'ERR_CSE_INVALID_ARGUMENT',
      `\`bucket\` must be the name of a bucket (3 to 63 lower-case letters, digits and hyphens), not ${JSON.stringify(bucket)}.`,
    )
  }
}

function checkedEndpoint({
  endpoint,
  secure,
}: Pick<BucketAddress, 'endpoint'> & { readonly secure?: boolean | undefined }): URL | undefined {
  if (endpoint === undefined) return undefined
  const text = String(endpoint)
  const address = text.includes('://') ? text : `${secure === false ? 'http' : 'https'}://${text}`
  if (!URL.canParse(address)) {
    throw invalid('`endpoint` is not an address. Pass one such as "https://oss-cn-hangzhou.aliyuncs.com".')
  }
  const url = new URL(address)
  if (!/^https?:$/.test(url.protocol) || url.href !== `${url.origin}/`) {
    throw invalid('`endpoint` must be http:// or https://, a host and an optional port, and nothing else.')
  }
  if (secure !== undefined && secure !== (url.protocol === 'https:')) {
    throw invalid(
      `\`secure: ${secure}\` contradicts \`endpoint\`, which starts with ${url.protocol}//. Leave one of them out.`,
    )
  }
  return url
}

function checkedAddressing(
  { addressing, bucket }: BucketAddress,
  endpoint: URL | undefined,
): 'virtual' | 'path' | 'cname' {
  const host = endpoint?.hostname ?? ''
  const isIp = /^\d+(\.\d+){3}$|^\[/.test(host)
  const chosen = addressing ?? (isIp || host === 'localhost' ? 'path' : 'virtual')
  if (!['virtual', 'path', 'cname'].includes(chosen)) {
    throw invalid('`addressing` must be "virtual", "path" or "cname".')
  }
  if (chosen === 'cname' && endpoint === undefined) {
    throw invalid('`addressing: "cname"` needs `endpoint`: the domain bound to the bucket.')
  }
  if (chosen === 'virtual' && isIp) {
    throw invalid('`addressing: "virtual"` does not work with an IP address as endpoint. Use "path".')
  }
  if (chosen === 'virtual' && host.startsWith(`${bucket}.`)) {
    throw invalid(
      '`endpoint` already starts with the bucket. Leave the bucket out of it, or use `addressing: "cname"`.',
    )
  }
  return chosen
}

function invalid(message: string): CseError {
  return new CseError('ERR_CSE_INVALID_ARGUMENT', message)
}
