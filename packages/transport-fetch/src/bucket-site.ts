import { type BucketAddress, checkedBucketAddress } from '@oss-cse/crypto-core/internal'

/** A bucket and the URLs of its requests. */
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
 * Checks the address of a bucket. The default endpoint has HTTPS.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT`
 */
export function bucketSite(address: BucketAddress): BucketSite {
  const { bucket, region, endpoint, addressing } = checkedBucketAddress(address)
  const { protocol, host } = endpoint ?? new URL(`https://oss-${region}.aliyuncs.com`)
  const base = `${protocol}//${addressing === 'virtual' ? `${bucket}.` : ''}${host}/${addressing === 'path' ? `${bucket}/` : ''}`
  return {
    bucket,
    region,
    location: `${protocol}//${host}/${bucket}`,
    url: (key = '', query) => base + encodeURIComponent(key).replaceAll('%2F', '/') + queryOf(query),
  }
}

function queryOf(query: Readonly<Record<string, string>>): string {
  const parameters = Object.entries(query).map(
    ([name, value]) => encodeURIComponent(name) + (value && `=${encodeURIComponent(value)}`),
  )
  return parameters.length === 0 ? '' : `?${parameters.join('&')}`
}
