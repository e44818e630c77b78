import {
  type ClientRequest,
  type Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
} from 'node:http'
import { type Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { CseError, type HeaderMap, isErrorDocument, OSS_HEADERS } from '@oss-cse/crypto-core'
import { coalesceChunks, rootElement, xmlDocumentProblem } from '@oss-cse/crypto-core/internal'
import { DownloadBody } from './download-body.ts'
import { IdleWatch } from './idle-watch.ts'
import {
  cutShort,
  foreignResponse,
  idleFailure,
  networkFailure,
  type RequestContext,
  serviceFailure,
  unusableResponse,
} from './oss-errors.ts'
import type { RequestScope } from './request-scope.ts'
import { sendSource, type UploadSource } from './upload-source.ts'

const MAX_ERROR_BYTES = 64 * 1024
/** Far more than a listing of a thousand keys, or what a callback server has to say. */
const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024

/** What is sent. */
export interface OutgoingRequest {
  readonly method: string
  readonly headers: Readonly<Record<string, string | number | null | undefined>>
  readonly content?: Uint8Array | string | undefined
  /** True when the body of the answer is handed out as it comes. */
  readonly streamed?: boolean | undefined
  readonly agent?: HttpAgent | undefined
  readonly httpsAgent?: HttpsAgent | undefined
}

/** What a success must have, beside a request id, to be the service's own. */
export interface ExpectedResponse {
  /** It stored something. */
  readonly etag?: boolean
  /** The root element of the XML document that it has as its body. */
  readonly root?: string | undefined
  /** Its body is what the user's callback server said, whatever that is. */
  readonly ofCallback?: boolean
}

/** What an exchange needs beside the request. */
export interface ExchangeOptions {
  readonly scope: RequestScope
  readonly context: RequestContext
  readonly idleTimeoutMs: number
  /** The bytes to send in place of the request's own stream. */
  readonly source?: UploadSource
  /** Told how many bytes of `source` have left so far. */
  readonly onSentBytes?: ((sentBytes: number) => void) | undefined
  readonly expected: ExpectedResponse
  /** Sends the address's own Host and not the one that ali-oss makes up for an IP address. */
  readonly plainHost: boolean
}

/** A successful answer. */
export interface Answer {
  readonly status: number
  readonly headers: HeaderMap
  /** The whole body, unless it is streamed. */
  readonly data: Uint8Array
  readonly body?: DownloadBody
}

/**
 * One HTTP exchange. For ali-oss it stands in place of its urllib 2.44, which loses a failing source's error,
 * has one deadline for a whole transfer, knows no AbortSignal, discards the error document of a streamed GET,
 * truncates a body that is too long and decompresses answers (urllib 2.44 lib/urllib.js).
 *
 * Every failure ends the scope; the returned promise then rejects too.
 */
export async function exchange(
  url: string,
  outgoing: OutgoingRequest,
  options: ExchangeOptions,
): Promise<Answer> {
  const { scope, context, source } = options
  const content = outgoing.content === undefined ? undefined : Buffer.from(outgoing.content)
  const request = openRequest(url, outgoing, content, options)
  const idle = new IdleWatch(request, options.idleTimeoutMs, () =>
    scope.fail(idleFailure(context, options.idleTimeoutMs)),
  )
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', (response) => {
      // What breaks after this comes out of reading the response.
      response.on('error', () => {})
      resolve(response)
    })
    request.on('error', reject)
    // An answer that switches protocols ends in neither of the two.
    request.once('close', () => reject(new Error('the connection was closed without an answer')))
  })
  // Heard below, unless the request fails before that.
  answered.catch(() => {})
  scope.onFailure(() => {
    source?.stop()
    request.destroy()
  })

  const connected = connection(request)
  const failed = (error: unknown): void =>
    scope.fail(CseError.isInstance(error) ? error : networkFailure(context, error, connected()))
  try {
    if (source === undefined) request.end(content)
    else sendSource(request, source, idle, options.onSentBytes).catch(failed)
    return await readAnswer(await answered, outgoing, request, idle, options)
  } catch (error) {
    failed(error)
    throw error
  }
}

async function readAnswer(
  response: IncomingMessage,
  outgoing: OutgoingRequest,
  request: ClientRequest,
  idle: IdleWatch,
  { scope, context, source, idleTimeoutMs, expected }: ExchangeOptions,
): Promise<Answer> {
  const status = response.statusCode ?? 0
  const headers = headerMap(response)
  const early = !request.writableEnded
  if (early) source?.stop()
  idle.resume()

  // 203 is CallbackFailed: stored, but the callback that was asked for did not happen.
  if (status < 200 || status > 299 || status === 203) {
    const data = await collectRefusal(response, idle, idleTimeoutMs)
    if (early) request.destroy()
    throw serviceFailure(context, { status, headers, data })
  }
  if (early) {
    request.destroy()
    throw cutShort(context, 'the server answered before it had the whole body')
  }
  if (headers[OSS_HEADERS.requestId] === undefined) {
    throw foreignResponse(context, status, OSS_HEADERS.requestId)
  }
  if (outgoing.streamed) {
    return { status, headers, data: new Uint8Array(), body: new DownloadBody(response, context, scope, idle) }
  }
  const data = await collect(response, MAX_DOCUMENT_BYTES)
  if (data === undefined) throw foreignResponse(context, status, 'document of a reasonable length')
  // Also with a status of success: a long completion begins its response before it has failed. It has no ETag then.
  const ofCallback = expected.ofCallback && headers['etag'] !== undefined
  if (isErrorDocument(data) && !ofCallback) throw serviceFailure(context, { status, headers, data })
  if (expected.etag && headers['etag'] === undefined) throw foreignResponse(context, status, 'ETag')
  if (expected.root !== undefined && rootElement(data) !== expected.root) {
    throw foreignResponse(context, status, `<${expected.root}> document`)
  }
  const problem = expected.root === undefined ? undefined : xmlDocumentProblem(data)
  if (problem !== undefined) throw unusableResponse(context, status, `its document ${problem}`)
  return { status, headers, data }
}

function openRequest(
  url: string,
  outgoing: OutgoingRequest,
  content: Buffer | undefined,
  { scope, context, plainHost }: ExchangeOptions,
): ClientRequest {
  const { protocol, hostname, port } = new URL(url)
  const headers: Record<string, string | number> = {}
  for (const [name, value] of Object.entries(outgoing.headers)) {
    if (value !== null && value !== undefined) headers[name.toLowerCase()] = value
  }
  if (plainHost) delete headers['host']
  // ali-oss 6.23 lib/common/utils/createRequest.js counts the characters of a document, not its bytes.
  if (content !== undefined) headers['content-length'] = content.byteLength
  const secure = protocol === 'https:'
  const agent = secure ? outgoing.httpsAgent : outgoing.agent
  try {
    return (secure ? httpsRequest : httpRequest)({
      method: outgoing.method,
      hostname: hostname.replace(/^\[|\]$/g, ''),
      ...(port !== '' && { port }),
      // Not URL's path: it would resolve what was signed as it stands.
      path: url.slice(url.indexOf('/', url.indexOf('//') + 2)),
      headers,
      ...(agent !== undefined && { agent }),
    })
  } catch (error) {
    scope.fail(networkFailure(context, error, false))
    throw error
  }
}

/** Tells whether a request had a connection, its own or one that was used before. */
function connection(request: ClientRequest): () => boolean {
  let connected = false
  request.once('socket', (socket) => {
    if (socket.connecting) socket.once('connect', () => (connected = true))
    else connected = true
  })
  return () => connected
}

/** The whole body, or nothing when it is longer than `limit` bytes. */
async function collect(response: IncomingMessage, limit: number): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = []
  let size = 0
  // Joined: a list of single bytes would take hundreds of times their length.
  for await (const chunk of coalesceChunks(response as AsyncIterable<Uint8Array>)) {
    chunks.push(chunk)
    size += chunk.byteLength
    if (size > limit) return undefined
  }
  return Buffer.concat(chunks)
}

/**
 * The document of a refusal, as far as it comes in time. The status is known without it: a document that stalls,
 * drips or breaks must not turn a refusal into a timeout, which would be tried again.
 */
async function collectRefusal(
  response: IncomingMessage,
  idle: IdleWatch,
  timeoutMs: number,
): Promise<Uint8Array> {
  idle.suspend()
  const timer = setTimeout(() => response.destroy(), timeoutMs)
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for await (const chunk of response as AsyncIterable<Uint8Array>) {
      chunks.push(chunk)
      size += chunk.byteLength
      if (size >= MAX_ERROR_BYTES) break
    }
  } catch {
    // What has come serves.
  }
  clearTimeout(timer)
  return Buffer.concat(chunks)
}

function headerMap(response: IncomingMessage): HeaderMap {
  return Object.fromEntries(
    Object.entries(response.headers).map(([name, value]) => [name, [value].flat().join(', ')]),
  )
}
