import { invalidArgument } from '../../protocol/error-catalog.ts'
import { type OssResponse, xmlResponse } from '../../protocol/oss-response.ts'
import type { XmlElement } from '../../protocol/xml.ts'
import type { Bucket } from '../../storage/object-store.ts'
import { encodingElement, keyEncoder } from '../key-encoding.ts'
import { type OperationContext, OWNER } from '../operation-context.ts'
import { existingBucket } from '../versions.ts'
import { contentElements } from './content-elements.ts'
import { listPage } from './list-page.ts'
import { listQuery } from './list-query.ts'

/** ListObjects (V1). */
export function listObjects(context: OperationContext): OssResponse {
  const { request } = context
  const bucket = existingBucket(context.store, context.bucket)
  const query = listQuery(context)
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
  const query = listQuery(context)
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
    ...contentElements(object),
    ...(withOwner ? { Owner: OWNER } : {}),
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
