import { OSS_HEADERS } from '@oss-cse/crypto-core'
import type { PassedParams } from './passed-request.ts'

/**
 * Returns the root element that the response document must have. Without this check, an empty or foreign document
 * would count as an empty listing or as a success.
 *
 * @returns `undefined` for requests that need no check
 */
export function expectedRoot({
  method,
  bucket,
  object,
  subres,
  query,
  headers,
  content,
}: PassedParams): string | undefined {
  const asked = new Set([...namesOf(subres), ...namesOf(query)])
  if (method === 'GET' && !object) {
    if (!bucket) return 'ListAllMyBucketsResult'
    if (asked.has('uploads')) return 'ListMultipartUploadsResult'
    if (asked.has('versions')) return 'ListVersionsResult'
    return namesOf(subres).length === 0 ? 'ListBucketResult' : undefined
  }
  if (method === 'GET') return asked.has('uploadId') ? 'ListPartsResult' : undefined
  // A quiet delete has no response document.
  if (method === 'POST' && asked.has('delete')) {
    return /<Quiet>true</.test(String(content)) ? undefined : 'DeleteResult'
  }
  const isCopy = Object.keys(headers ?? {}).some((name) => name.toLowerCase() === OSS_HEADERS.copySource)
  return method === 'PUT' && isCopy && !asked.has('partNumber') ? 'CopyObjectResult' : undefined
}

function namesOf(given: unknown): readonly string[] {
  if (typeof given === 'string')
    return given === '' ? [] : given.split('&').map((pair) => pair.split('=')[0] ?? '')
  if (Array.isArray(given)) return given.map(String)
  return Object.keys((given ?? {}) as object)
}
