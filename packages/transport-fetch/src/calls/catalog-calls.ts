import {
  type CopyObjectRequest,
  CseError,
  type DeleteObjectRequest,
  type DeleteObjectsRequest,
  type ListObjectsRequest,
  type ObjectPage,
  OSS_HEADERS,
  type PutObjectResponse,
} from '@oss-cse/crypto-core'
import {
  checkBucketName,
  checkObjectKey,
  copyHeaders,
  MAX_DELETED_KEYS,
  MAX_PAGE_ENTRIES,
  objectPageProblem,
} from '@oss-cse/crypto-core/internal'
import type { OssClient } from '../http/oss-client.ts'
import { objectPage } from '../xml/listings.ts'
import { listedPage } from './listed-page.ts'

/** Browsers make about as many connections to one host. */
const DELETES_AT_ONCE = 6

/** See `FetchTransport.list`. */
export async function listObjects(
  client: OssClient,
  { prefix, delimiter, startAfter, maxKeys, continuationToken, signal }: ListObjectsRequest,
): Promise<ObjectPage> {
  if (maxKeys !== undefined && !(Number.isInteger(maxKeys) && maxKeys >= 1 && maxKeys <= MAX_PAGE_ENTRIES)) {
    throw invalid(`\`maxKeys\` must be from 1 to ${MAX_PAGE_ENTRIES}.`)
  }
  const query = {
    'list-type': '2',
    'encoding-type': 'url',
    ...(prefix && { prefix }),
    ...(delimiter && { delimiter }),
    ...(startAfter && { 'start-after': startAfter }),
    ...(maxKeys !== undefined && { 'max-keys': String(maxKeys) }),
    ...(continuationToken && { 'continuation-token': continuationToken }),
  }
  const call = { operation: 'list', method: 'GET', query, signal } as const
  const position = { maxKeys: maxKeys ?? MAX_PAGE_ENTRIES, continuationToken }
  return listedPage(client, call, 'ListBucketResult', objectPage, (page) => objectPageProblem(page, position))
}

/** See `FetchTransport.delete`. */
export async function deleteObject(
  client: OssClient,
  { key, versionId, signal }: DeleteObjectRequest,
): Promise<void> {
  checkObjectKey(key)
  const query = versionId === undefined ? {} : { versionId }
  await client.document({ operation: 'delete', method: 'DELETE', key, query, signal }, { status: 204 })
}

/** See `FetchTransport.deleteMany`. */
export async function deleteObjects(
  client: OssClient,
  { keys, signal }: DeleteObjectsRequest,
): Promise<readonly string[]> {
  if (keys.length > MAX_DELETED_KEYS) {
    throw invalid(
      `deleteMany takes at most ${MAX_DELETED_KEYS} keys, not ${keys.length}. Call it several times.`,
    )
  }
  for (const key of keys) checkObjectKey(key)
  const names = [...new Set(keys)]
  const waiting = names.values()
  let failed = false
  const work = async (): Promise<void> => {
    for (const key of waiting) {
      if (failed) return
      try {
        await deleteObject(client, { key, signal })
      } catch (error) {
        failed = true
        throw error
      }
    }
  }
  await Promise.all(Array.from({ length: DELETES_AT_ONCE }, work))
  return names
}

/** See `FetchTransport.copy`. */
export async function copyObject(
  client: OssClient,
  { sourceKey, sourceBucket = client.bucket, sourceVersionId, key, headers, signal }: CopyObjectRequest,
): Promise<PutObjectResponse> {
  checkObjectKey(sourceKey)
  checkObjectKey(key)
  checkBucketName(sourceBucket)
  const version = sourceVersionId === undefined ? '' : `?versionId=${encodeURIComponent(sourceVersionId)}`
  const sent = {
    ...copyHeaders(headers, key),
    [OSS_HEADERS.copySource]: `/${sourceBucket}/${encodeURIComponent(sourceKey)}${version}`,
  }
  const call = { operation: `copy "${sourceKey}" to`, method: 'PUT', key, headers: sent, signal } as const
  const { data: _, ...response } = await client.document(call, { root: 'CopyObjectResult' })
  return response
}

function invalid(message: string): CseError {
  return new CseError('ERR_CSE_INVALID_ARGUMENT', message)
}
