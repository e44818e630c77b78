import { invalidArgument } from '../../protocol/error-catalog.ts'
import type { OssRequest } from '../../protocol/oss-request.ts'
import { type OssResponse, xmlResponse } from '../../protocol/oss-response.ts'
import type { XmlElement } from '../../protocol/xml.ts'
import { compareBytes } from '../../storage/compare-bytes.ts'
import type { Bucket } from '../../storage/object-store.ts'
import type { ObjectRecord } from '../../storage/records.ts'
import { encodingElement, keyEncoder, limitParameter } from '../list-encoding.ts'
import { type OperationContext, OWNER } from '../operation-context.ts'
import { existingBucket } from '../versions.ts'

const DEFAULT_KEYS = 100
const MAX_KEYS = 1000

/** One page of a listing, whatever is listed. */
export interface Page<Entry> {
  readonly entries: readonly Entry[]
  readonly commonPrefixes: readonly string[]
  /** The last key or common prefix of the page, when more follow. */
  readonly nextMarker: string | undefined
}

/**
 * Cuts a page out of keys in byte order. A common prefix counts as one entry, and a marker that is a common
 * prefix skips everything below it.
 */
export function listPage(
  sortedKeys: readonly string[],
  options: {
    readonly prefix: string
    readonly delimiter: string
    readonly after: string
    readonly limit: number
  },
): Page<string> {
  const { prefix, delimiter, after, limit } = options
  const entries: string[] = []
  const commonPrefixes: string[] = []
  let last = ''
  const from =
    prefix !== '' && compareBytes(prefix, after) > 0
      ? lowerBound(sortedKeys, prefix)
      : lowerBound(sortedKeys, after)
  for (let index = from; index < sortedKeys.length; index++) {
    const key = sortedKeys[index] as string
    if (!key.startsWith(prefix)) {
      if (compareBytes(key, prefix) > 0) break
      continue
    }
    if (after !== '' && compareBytes(key, after) <= 0) continue
    const cut = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length)
    const common = cut < 0 ? undefined : key.slice(0, cut + delimiter.length)
    if (common !== undefined && (common === commonPrefixes.at(-1) || common === after)) continue
    if (entries.length + commonPrefixes.length >= limit) return { entries, commonPrefixes, nextMarker: last }
    if (common === undefined) entries.push(key)
    else commonPrefixes.push(common)
    last = common ?? key
  }
  return { entries, commonPrefixes, nextMarker: undefined }
}

/** ListObjects (V1). */
export function listObjects(context: OperationContext): OssResponse {
  const { request } = context
  const bucket = existingBucket(context.store, context.bucket)
  const query = commonQuery(request)
  const marker = request.parameter('marker') ?? ''
  const page = listPage(visibleKeys(bucket), { ...query, after: marker })
  const encode = keyEncoder(request)
  return xmlResponse({
    ListBucketResult: {
      Name: context.bucket,
      Prefix: encode(query.prefix),
      Marker: encode(marker),
      MaxKeys: query.limit,
      Delimiter: encode(query.delimiter),
      ...encodingElement(request),
      IsTruncated: page.nextMarker !== undefined,
      ...(page.nextMarker === undefined ? {} : { NextMarker: encode(page.nextMarker) }),
      Contents: page.entries.map((key) => contents(bucket, key, encode, true)),
      CommonPrefixes: page.commonPrefixes.map((prefix) => ({ Prefix: encode(prefix) })),
    },
  })
}

/** ListObjectsV2. */
export function listObjectsV2(context: OperationContext): OssResponse {
  const { request } = context
  const bucket = existingBucket(context.store, context.bucket)
  const query = commonQuery(request)
  const startAfter = request.parameter('start-after') ?? ''
  const token = request.parameter('continuation-token')
  const page = listPage(visibleKeys(bucket), {
    ...query,
    after: token === undefined || token === '' ? startAfter : decodeToken(token),
  })
  const encode = keyEncoder(request)
  const fetchOwner = request.parameter('fetch-owner') === 'true'
  return xmlResponse({
    ListBucketResult: {
      Name: context.bucket,
      Prefix: encode(query.prefix),
      StartAfter: encode(startAfter),
      MaxKeys: query.limit,
      Delimiter: encode(query.delimiter),
      ...encodingElement(request),
      IsTruncated: page.nextMarker !== undefined,
      ...(token === undefined ? {} : { ContinuationToken: token }),
      ...(page.nextMarker === undefined
        ? {}
        : { NextContinuationToken: encode(encodeToken(page.nextMarker)) }),
      Contents: page.entries.map((key) => contents(bucket, key, encode, fetchOwner)),
      CommonPrefixes: page.commonPrefixes.map((prefix) => ({ Prefix: encode(prefix) })),
      KeyCount: page.entries.length + page.commonPrefixes.length,
    },
  })
}

/** ListObjectVersions. */
export function listObjectVersions(context: OperationContext): OssResponse {
  const { request } = context
  const bucket = existingBucket(context.store, context.bucket)
  const query = commonQuery(request)
  const keyMarker = request.parameter('key-marker') ?? ''
  const versionMarker = request.parameter('version-id-marker') ?? ''
  const encode = keyEncoder(request)
  const rows: { readonly key: string; readonly version: ObjectRecord; readonly latest: boolean }[] = []
  const page = listPage(bucket.sortedKeys(), { ...query, after: '', limit: Number.MAX_SAFE_INTEGER })
  for (const key of page.entries) {
    const order = compareBytes(key, keyMarker)
    const versions = bucket.keys.get(key) ?? []
    const marked = versions.findIndex(({ versionId }) => versionId === versionMarker)
    if (keyMarker !== '' && (order < 0 || (order === 0 && versionMarker === ''))) continue
    const skip = keyMarker !== '' && order === 0 ? marked + 1 : 0
    for (const [index, version] of versions.entries()) {
      if (index >= skip) rows.push({ key, version, latest: index === 0 })
    }
  }
  const prefixes = page.commonPrefixes.filter(
    (prefix) => keyMarker === '' || compareBytes(prefix, keyMarker) > 0,
  )
  const order = [
    ...rows.map((row) => ({ name: row.key, row })),
    ...prefixes.map((name) => ({ name, row: undefined })),
  ].sort((a, b) => compareBytes(a.name, b.name))
  const shown = order.slice(0, query.limit)
  const last = order.length > shown.length ? shown.at(-1) : undefined
  const element = ({ key, version, latest }: (typeof rows)[number]): XmlElement => ({
    Key: encode(key),
    VersionId: version.versionId,
    IsLatest: latest,
    LastModified: version.lastModified,
    ...(version.deleteMarker ? {} : sizeElements(version)),
    Owner: OWNER,
  })
  const shownRows = shown.flatMap(({ row }) => (row === undefined ? [] : [row]))
  return xmlResponse({
    ListVersionsResult: {
      Name: context.bucket,
      Prefix: encode(query.prefix),
      KeyMarker: encode(keyMarker),
      VersionIdMarker: versionMarker,
      MaxKeys: query.limit,
      Delimiter: encode(query.delimiter),
      ...encodingElement(request),
      IsTruncated: last !== undefined,
      ...(last === undefined
        ? {}
        : { NextKeyMarker: encode(last.name), NextVersionIdMarker: last.row?.version.versionId ?? '' }),
      Version: shownRows.filter(({ version }) => !version.deleteMarker).map(element),
      DeleteMarker: shownRows.filter(({ version }) => version.deleteMarker).map(element),
      CommonPrefixes: shown.flatMap(({ name, row }) => (row === undefined ? [{ Prefix: encode(name) }] : [])),
    },
  })
}

function commonQuery(request: OssRequest): { prefix: string; delimiter: string; limit: number } {
  return {
    prefix: request.parameter('prefix') ?? '',
    delimiter: request.parameter('delimiter') ?? '',
    limit: limitParameter(request, 'max-keys', DEFAULT_KEYS, MAX_KEYS),
  }
}

function visibleKeys(bucket: Bucket): readonly string[] {
  if (bucket.record.versioning === 'Unversioned') return bucket.sortedKeys()
  return bucket.sortedKeys().filter((key) => bucket.keys.get(key)?.[0]?.deleteMarker !== true)
}

function contents(
  bucket: Bucket,
  key: string,
  encode: (key: string) => string,
  withOwner: boolean,
): XmlElement {
  const object = bucket.keys.get(key)?.[0]
  if (object === undefined) return { Key: encode(key) }
  return {
    Key: encode(key),
    LastModified: object.lastModified,
    ...sizeElements(object),
    ...(withOwner ? { Owner: OWNER } : {}),
  }
}

function sizeElements(object: ObjectRecord): XmlElement {
  return {
    ETag: `"${object.etag}"`,
    Type: object.type,
    Size: object.sizeBytes,
    StorageClass: object.storageClass,
  }
}

function encodeToken(key: string): string {
  return Buffer.from(key, 'utf8').toString('base64')
}

function decodeToken(token: string): string {
  const key = Buffer.from(token, 'base64').toString('utf8')
  if (encodeToken(key) !== token) {
    throw invalidArgument('The continuation token provided is incorrect.', undefined, {
      ArgumentName: 'continuation-token',
    })
  }
  return key
}

/** The index of the first key that is not below `wanted`. */
function lowerBound(sortedKeys: readonly string[], wanted: string): number {
  let low = 0
  let high = sortedKeys.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareBytes(sortedKeys[middle] as string, wanted) < 0) low = middle + 1
    else high = middle
  }
  return low
}
