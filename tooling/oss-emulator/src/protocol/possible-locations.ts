import { isIP } from 'node:net'

/** The bucket and key that a request names. Both are empty for the service. The key is empty for a bucket. */
export interface Location {
  readonly bucket: string
  readonly key: string
}

/**
 * Each possible bucket and key of a request, the likeliest first. SDKs put the bucket into the Host
 * (`bucket.oss-….aliyuncs.com`, `bucket.localhost`), into the path, into both (ali-oss with an IP and `sldEnable`), or
 * nowhere (`cname`). Only the signature shows which one the client meant. A path that cannot be decoded has none.
 *
 * @param hostname - the Host header without its port
 * @param path - the path of the request target, still escaped
 * @param cnameBucket - the bucket of requests that name none
 */
export function possibleLocations(
  hostname: string,
  path: string,
  cnameBucket: string | undefined,
): readonly Location[] {
  const whole = decodePath(path)
  if (whole === undefined) return []
  const slash = whole.indexOf('/')
  const pathStyle: Location =
    slash < 0 ? { bucket: whole, key: '' } : { bucket: whole.slice(0, slash), key: whole.slice(slash + 1) }
  const locations: Location[] = []
  const hostBucket = bucketOfHost(hostname)
  if (hostBucket !== undefined) {
    locations.push({ bucket: hostBucket, key: whole })
    if (pathStyle.bucket === hostBucket) locations.push(pathStyle)
    if (hostname.endsWith('.aliyuncs.com')) return locations
  }
  locations.push(pathStyle)
  if (cnameBucket !== undefined) locations.push({ bucket: cnameBucket, key: whole })
  return locations
}

function bucketOfHost(hostname: string): string | undefined {
  if (isIP(hostname.replace(/^\[|\]$/g, '')) !== 0) return undefined
  const dot = hostname.indexOf('.')
  if (dot <= 0) return undefined
  const rest = hostname.slice(dot + 1)
  if (hostname.endsWith('.aliyuncs.com') && !/^(?:s3\.)?(?:oss[-.]|cb-)/.test(rest)) return undefined
  return hostname.slice(0, dot)
}

function decodePath(path: string): string | undefined {
  try {
    return decodeURIComponent(path.startsWith('/') ? path.slice(1) : path)
  } catch {
    return undefined
  }
}
