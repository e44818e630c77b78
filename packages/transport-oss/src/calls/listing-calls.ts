import type {
  ListObjectsRequest,
  ListPartsRequest,
  ListUploadsRequest,
  ObjectPage,
  PartPage,
  PendingUploadPage,
} from '@oss-cse/crypto-core'
import {
  checkObjectKey,
  checkUploadId,
  countOf,
  MAX_PAGE_ENTRIES,
  objectPageProblem,
  partPageProblem,
  requestHeaders,
  unusableResponse,
  uploadPageProblem,
} from '@oss-cse/crypto-core/internal'
import type { Connection } from '../ali-oss/client-options.ts'
import type { ExchangeResponse } from '../http/http-exchange.ts'
import { invalidArgument } from './invalid-argument.ts'
import {
  type AliObject,
  type AliPart,
  type AliUpload,
  objectSummary,
  pendingUpload,
  uploadedParts,
} from './listing-entries.ts'
import { nameDecoder, tokenDecoder } from './listing-names.ts'
import { contextOf, type OssCall, runCall } from './oss-call.ts'

/** See `OssTransport.list`. */
export async function listObjects(
  connection: Connection,
  { prefix, delimiter, startAfter, maxKeys, continuationToken, signal }: ListObjectsRequest,
): Promise<ObjectPage> {
  checkMaxKeys(maxKeys)
  const query = {
    'encoding-type': 'url',
    ...(prefix && { prefix }),
    ...(delimiter && { delimiter }),
    ...(startAfter && { 'start-after': startAfter }),
    ...(maxKeys !== undefined && { 'max-keys': maxKeys }),
    ...(continuationToken && { 'continuation-token': continuationToken }),
  }
  const call: OssCall = { operation: 'list', signal, expected: { root: 'ListBucketResult' } }
  const { value, response } = await runCall(connection, call, async (client, response) => {
    const page = (await client.listV2(query, {})) as {
      objects: AliObject[]
      prefixes: string[] | null
      isTruncated: boolean
      nextContinuationToken: string | null
    }
    const decode = nameDecoder(response())
    const objects = page.objects.map((object) => objectSummary(object, decode))
    const prefixes = (page.prefixes ?? []).map(decode)
    if (!page.isTruncated) return { objects, prefixes }
    const nextContinuationToken = tokenDecoder(response())(page.nextContinuationToken ?? '')
    return { objects, prefixes, nextContinuationToken }
  })
  const position = { maxKeys: maxKeys ?? MAX_PAGE_ENTRIES, continuationToken }
  checkPage(connection, call, response, objectPageProblem(value, position))
  return value
}

/** See `OssTransport.listParts`. */
export async function listParts(
  connection: Connection,
  { key, uploadId, marker, headers = {}, signal }: ListPartsRequest,
): Promise<PartPage> {
  checkObjectKey(key)
  checkUploadId(uploadId, key)
  const sent = requestHeaders(headers, key)
  const query = {
    'max-parts': MAX_PAGE_ENTRIES,
    ...(marker !== undefined && { 'part-number-marker': marker }),
  }
  const call: OssCall = {
    operation: 'list the parts of',
    objectKey: key,
    signal,
    expected: { root: 'ListPartsResult' },
  }
  const { value, response } = await runCall(connection, call, async (client) => {
    const page = (await client.listParts(key, uploadId, query, { headers: sent })) as {
      parts: AliPart | AliPart[]
      isTruncated?: string
      nextPartNumberMarker?: string
    }
    const parts = uploadedParts(page.parts)
    // The XML parser leaves a boolean as text.
    return page.isTruncated === 'true' ? { parts, nextMarker: page.nextPartNumberMarker ?? '' } : { parts }
  })
  const after = countOf(marker) || 0
  const goesBack = value.nextMarker !== undefined && !(countOf(value.nextMarker) > after)
  const problem = goesBack ? 'its marker is missing or does not advance' : undefined
  checkPage(connection, call, response, partPageProblem(value, { after, marker }) ?? problem)
  return value
}

/** See `OssTransport.listUploads`. */
export async function listUploads(
  connection: Connection,
  { prefix, keyMarker, uploadIdMarker, signal }: ListUploadsRequest,
): Promise<PendingUploadPage> {
  const query = {
    'encoding-type': 'url',
    'max-uploads': MAX_PAGE_ENTRIES,
    ...(prefix && { prefix }),
    ...(keyMarker && { 'key-marker': keyMarker }),
    ...(uploadIdMarker && { 'upload-id-marker': uploadIdMarker }),
  }
  const expected = { root: 'ListMultipartUploadsResult' }
  const call: OssCall = { operation: 'list the multipart uploads', signal, expected }
  const { value, response } = await runCall(connection, call, async (client, response) => {
    const page = (await client.listUploads(query, {})) as {
      uploads: AliUpload[]
      isTruncated: boolean
      nextKeyMarker?: string
      nextUploadIdMarker?: string
    }
    const decode = nameDecoder(response())
    const uploads = page.uploads.map((upload) => pendingUpload(upload, decode))
    if (!page.isTruncated) return { uploads }
    return {
      uploads,
      nextKeyMarker: decode(page.nextKeyMarker ?? ''),
      ...(page.nextUploadIdMarker && { nextUploadIdMarker: page.nextUploadIdMarker }),
    }
  })
  checkPage(connection, call, response, uploadPageProblem(value, { keyMarker, uploadIdMarker }))
  return value
}

/** @throws CseError `ERR_CSE_INVALID_ARGUMENT` */
export function checkMaxKeys(maxKeys: number | undefined): void {
  if (maxKeys === undefined || (Number.isInteger(maxKeys) && maxKeys >= 1 && maxKeys <= MAX_PAGE_ENTRIES))
    return
  throw invalidArgument(`\`maxKeys\` must be from 1 to ${MAX_PAGE_ENTRIES}.`)
}

/** Throws for a page with impossible values, or one after which the listing would never end. */
export function checkPage(
  connection: Connection,
  call: OssCall,
  { status }: ExchangeResponse,
  problem: string | undefined,
): void {
  if (problem === undefined) return
  throw unusableResponse(contextOf(connection, call), status, `its listing is not usable: ${problem}`)
}
