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
import { foreignResponse } from '@oss-cse/crypto-core/internal'
import {
  asWhole,
  checkRead,
  encodingOf,
  objectResponse,
  storedBytesHeaders,
} from '../http/object-response.ts'
import type { OssClient } from '../http/oss-client.ts'
import { callOf } from './call-of.ts'
import { storeContent } from './store-content.ts'

/** See `FetchTransport.put`. */
export async function putObject(client: OssClient, request: PutObjectRequest): Promise<PutObjectResponse> {
  const call = callOf('put', 'PUT', request)
  const hasCallback = OSS_HEADERS.callback in call.headers
  const { status, headers, data } = await storeContent(client, call, request, { hasCallback })
  return { status, headers, ...(hasCallback && { data }) }
}

/** See `FetchTransport.get`. */
export async function getObject(client: OssClient, request: GetObjectRequest): Promise<GetObjectResponse> {
  const { signal } = request
  const plain = callOf('get', 'GET', request)
  const call = { ...plain, headers: storedBytesHeaders(plain.headers) }
  const options = { context: client.contextOf(call), signal, isWhole: plain.headers['range'] === undefined }
  let encoding: string | undefined
  try {
    const first = await client.send(call)
    encoding = encodingOf(first)
    if (encoding === undefined) return await objectResponse(first, options)
    await first.stream?.cancel().catch(() => {})
  } catch (error) {
    encoding = await encodingBehind(error, () => headObject(client, request))
  }
  // The header of the response is replaced, so that nobody decodes the body.
  const query = { ...call.query, 'response-content-encoding': 'identity' }
  const response = await objectResponse(await client.send({ ...call, query }), options)
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
  const encoding = response && encodingOf(response)
  if (encoding === undefined) throw error
  return encoding
}

/** See `FetchTransport.head`. */
export async function headObject(client: OssClient, request: HeadObjectRequest): Promise<HeadObjectResponse> {
  const call = callOf('head', 'HEAD', request)
  const context = client.contextOf(call)
  const response = await client.send(call)
  checkRead(response, context)
  const { status, headers } = response
  if (headers['content-length'] !== undefined) return { status, headers }
  // The service would compress the object for this browser, and so left its length out. A range is never compressed. It is
  // the second choice because Chromium refuses all responses to it that have a Content-Encoding.
  const ranged = await client.send({ ...call, headers: storedBytesHeaders(call.headers) })
  checkRead(ranged, context)
  return asWhole(ranged)
}

/** See `FetchTransport.getSymlink`. */
export async function getSymlink(client: OssClient, request: SymlinkRequest): Promise<SymlinkResponse> {
  const call = callOf('read the symbolic link', 'GET', request, { symlink: '' })
  const { status, headers } = await client.document(call, { shows: [OSS_HEADERS.symlinkTarget] })
  try {
    return { targetKey: decodeURIComponent(headers[OSS_HEADERS.symlinkTarget] ?? '') }
  } catch {
    throw foreignResponse(client.contextOf(call), status, 'readable target')
  }
}
