import {
  CseError,
  type GetObjectRequest,
  type GetObjectResponse,
  type HeadObjectRequest,
  type HeadObjectResponse,
  OSS_HEADERS,
  type PutObjectRequest,
  type PutObjectResponse,
  type SymlinkRequest,
  type SymlinkResponse,
} from '@oss-cse/crypto-core'
import {
  checkObjectKey,
  foreignResponse,
  requestHeaders,
  tell,
  UploadSource,
} from '@oss-cse/crypto-core/internal'
import { collectedContent } from '../http/collected-content.ts'
import { hiddenHeaders } from '../http/network-errors.ts'
import {
  asWhole,
  checkRead,
  encodingOf,
  objectResponse,
  storedBytesHeaders,
} from '../http/object-response.ts'
import type { OssClient } from '../http/oss-client.ts'

/** Replaces the Content-Encoding of the response, so that nobody decodes the body. */
const NOT_ENCODED = { 'response-content-encoding': 'identity' }

/** See `FetchTransport.put`. */
export async function putObject(
  client: OssClient,
  { key, headers, body, signal, onSentBytes }: PutObjectRequest,
): Promise<PutObjectResponse> {
  checkObjectKey(key)
  const sent = requestHeaders(headers, key)
  const source = new UploadSource(body, key)
  tell(onSentBytes, 0)
  const content = await collectedContent(source, key, signal)
  const hasCallback = OSS_HEADERS.callback in sent
  const call = { operation: 'put', method: 'PUT', key, headers: sent, content, onSentBytes, signal } as const
  const { data, ...response } = await client.document(call, { stores: true, hasCallback })
  return { ...response, ...(hasCallback && { data }) }
}

/** See `FetchTransport.get`. */
export async function getObject(
  client: OssClient,
  { key, headers, versionId, signal }: GetObjectRequest,
): Promise<GetObjectResponse> {
  checkObjectKey(key)
  const sent = requestHeaders(headers, key)
  const query = versionQuery(versionId)
  const call = {
    operation: 'get',
    method: 'GET',
    key,
    query,
    headers: storedBytesHeaders(sent),
    signal,
  } as const
  const options = { context: client.contextOf(call), signal, isWhole: sent['range'] === undefined }
  let encoding: string | undefined
  try {
    const first = await client.send(call)
    encoding = encodingOf(first)
    if (encoding === undefined) return await objectResponse(first, options)
    await first.stream?.cancel().catch(() => {})
  } catch (error) {
    encoding = await encodingBehind(error, () => headObject(client, { key, headers, versionId, signal }))
  }
  const stored = await client.send({ ...call, query: { ...query, ...NOT_ENCODED } })
  const response = await objectResponse(stored, options)
  return { ...response, headers: { ...response.headers, 'content-encoding': encoding } }
}

/**
 * Returns the Content-Encoding that may have made a read fail. Browsers decode a body before they show the response, and
 * what they cannot decode looks like a broken connection.
 *
 * @throws `error`, if it has another reason
 */
async function encodingBehind(error: unknown, head: () => Promise<HeadObjectResponse>): Promise<string> {
  if (!CseError.isInstance(error) || error.code !== 'ERR_CSE_NETWORK') throw error
  const response = await head().catch(() => undefined)
  const encoding = response === undefined ? undefined : encodingOf(response)
  if (encoding === undefined) throw error
  return encoding
}

/** See `FetchTransport.head`. */
export async function headObject(
  client: OssClient,
  { key, headers, versionId, signal }: HeadObjectRequest,
): Promise<HeadObjectResponse> {
  checkObjectKey(key)
  const sent = requestHeaders(headers, key)
  const query = versionQuery(versionId)
  const call = { operation: 'head', method: 'HEAD', key, query, headers: sent, signal } as const
  const context = client.contextOf(call)
  const response = await client.send(call)
  checkRead(response, context)
  if (response.headers['content-length'] !== undefined) return statusAndHeaders(response)
  // The service would compress the object for this browser, and so left its length out. A range is never compressed. It is
  // the second choice because Chromium refuses all responses to it that have a Content-Encoding.
  const ranged = await client.send({ ...call, headers: storedBytesHeaders(sent) })
  checkRead(ranged, context)
  return asWhole(ranged)
}

/** See `FetchTransport.getSymlink`. */
export async function getSymlink(
  client: OssClient,
  { key, headers, versionId, signal }: SymlinkRequest,
): Promise<SymlinkResponse> {
  checkObjectKey(key)
  const sent = requestHeaders(headers, key)
  const query = { symlink: '', ...versionQuery(versionId) }
  const call = {
    operation: 'read the symbolic link',
    method: 'GET',
    key,
    query,
    headers: sent,
    signal,
  } as const
  const { status, headers: received } = await client.document(call)
  const target = received[OSS_HEADERS.symlinkTarget]
  const context = client.contextOf(call)
  if (target === undefined) throw hiddenHeaders(context, status, [OSS_HEADERS.symlinkTarget])
  try {
    return { targetKey: decodeURIComponent(target) }
  } catch {
    throw foreignResponse(context, status, 'readable target')
  }
}

function statusAndHeaders({ status, headers }: HeadObjectResponse): HeadObjectResponse {
  return { status, headers }
}

function versionQuery(versionId: string | undefined): Record<string, string> {
  return versionId === undefined ? {} : { versionId }
}
