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
  listedObjects,
  MAX_DELETED_KEYS,
  MAX_PAGE_ENTRIES,
  objectPageProblem,
} from '@oss-cse/crypto-core/internal'
import type { OssClient } from '../http/oss-client.ts'
import { callOf } from './call-of.ts'
import { listedPage } from './listed-page.ts'

/** Browsers make about as many connections to one host. */
const DELETES_AT_ONCE = 6

/** See `FetchTransport.list`. */
export async function listObjects(client: OssClient, request: ListObjectsRequest): Promise<ObjectPage> {
  const { prefix, delimiter, startAfter, maxKeys = MAX_PAGE_ENTRIES, continuationToken, signal } = request
  if (!(Number.isInteger(maxKeys) && maxKeys >= 1 && maxKeys <= MAX_PAGE_ENTRIES)) {
    throw invalid(`\`maxKeys\` must be from 1 to ${MAX_PAGE_ENTRIES}.`)
  }
  const query = {
    'list-type': '2',
    'encoding-type': 'url',
    'max-keys': String(maxKeys),
    prefix: prefix || undefined,
    delimiter: delimiter || undefined,
    'start-after': startAfter || undefined,
    'continuation-token': continuationToken || undefined,
  }
  return listedPage(client, callOf('list', 'GET', { signal }, query), listedObjects, (page) =>
    objectPageProblem(page, { maxKeys, continuationToken }),
  )
}

/** See `FetchTransport.delete`. */
export async function deleteObject(client: OssClient, request: DeleteObjectRequest): Promise<void> {
  await client.document(callOf('delete', 'DELETE', request), { status: 204 })
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
  const work = async (): Promise<void> => {
    for (const key of waiting) await deleteObject(client, { key, signal })
  }
  const workers = await Promise.allSettled(Array.from({ length: DELETES_AT_ONCE }, work))
  for (const worker of workers) if (worker.status === 'rejected') throw worker.reason
  return names
}

/** See `FetchTransport.copy`. */
export async function copyObject(client: OssClient, request: CopyObjectRequest): Promise<PutObjectResponse> {
  const { sourceKey, sourceBucket = client.bucket, sourceVersionId, key, headers, signal } = request
  checkObjectKey(sourceKey)
  checkBucketName(sourceBucket)
  const version = sourceVersionId === undefined ? '' : `?versionId=${encodeURIComponent(sourceVersionId)}`
  const sent = {
    ...copyHeaders(headers, key),
    [OSS_HEADERS.copySource]: `/${sourceBucket}/${encodeURIComponent(sourceKey)}${version}`,
  }
  const call = callOf(`copy "${sourceKey}" to`, 'PUT', { key, headers: sent, signal })
  const response = await client.document(call, { root: 'CopyObjectResult' })
  return { status: response.status, headers: response.headers }
}

function invalid(message: string): CseError {
  return new CseError('ERR_CSE_INVALID_ARGUMENT', message)
}
