import type { ClientRequest, Agent as HttpAgent, IncomingMessage } from 'node:http'
import type { Agent as HttpsAgent } from 'node:https'
import type { Duplex } from 'node:stream'
import { CseError, type HeaderMap, isErrorDocument } from '@oss-cse/crypto-core'
import {
  coalesceChunks,
  foreignResponse,
  type RequestContext,
  rootElement,
  serviceFailure,
  type UploadSource,
  unusableResponse,
  xmlDocumentProblem,
} from '@oss-cse/crypto-core/internal'
import type { Address } from './address.ts'
import { cutShort, idleFailure, networkFailure } from './connection-errors.ts'
import { directGet } from './direct/direct-get.ts'
import { UnfitServers } from './direct/unfit-servers.ts'
import type { DownloadBody } from './download-body.ts'
import { type IdleWatch, watchRequest } from './idle-watch.ts'
import { nodeHttp, nodeHttps } from './node-modules.ts'
import type { RequestScope } from './request-scope.ts'
import { messageBytes } from './response-bytes.ts'
import { sendSource } from './send-source.ts'
import { checkOrigin, checkStatus, streamedResponse } from './streamed-response.ts'

/** Far more than a listing of a thousand keys, or the reply of a callback server. */
const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024

const unfitServers = new UnfitServers()

/** The request to send. */
export interface OutgoingRequest {
  readonly method: string
  /** Names are in lower case. */
  readonly headers: Readonly<Record<string, string | number>>
  readonly content?: Uint8Array | string | undefined
  /** True when the body of the response is returned as a stream. */
  readonly streamed?: boolean | undefined
  readonly agent?: HttpAgent | undefined
  readonly httpsAgent?: HttpsAgent | undefined
  /** True when the response may be read without node:http, because the agents are not the app's. */
  readonly direct?: boolean | undefined
}

/** What a successful response must contain, beside a request id, to count as a response of OSS. */
export interface ExpectedResponse {
  /** It must have an ETag, because it stored something. */
  readonly etag?: boolean
  /** The root element of its XML document. */
  readonly root?: string | undefined
  /** Its body comes from the user's callback server and may be anything. */
  readonly ofCallback?: boolean
}

/** What an exchange needs beside the request. */
export interface ExchangeOptions {
  readonly scope: RequestScope
  readonly context: RequestContext
  readonly idleTimeoutMs: number
  /** The bytes to send instead of the request's own stream. */
  readonly source?: UploadSource
  /** Called with the number of bytes of `source` that were sent so far. */
  readonly onSentBytes?: ((sentBytes: number) => void) | undefined
  readonly expected: ExpectedResponse
}

/** A successful response. */
export interface ExchangeResponse {
  readonly status: number
  readonly headers: HeaderMap
  /** The whole body, unless it is streamed. */
  readonly data: Uint8Array
  readonly body?: DownloadBody
}

/**
 * Sends one HTTP request and reads its response.
 *
 * ali-oss calls it instead of its urllib 2.44. That client loses the error of a failing source, has one deadline for
 * a whole transfer, knows no AbortSignal, discards the error document of a streamed GET, truncates a body that is too
 * long and decompresses responses (urllib 2.44 lib/urllib.js).
 *
 * Every failure ends the scope. The returned promise then rejects too.
 */
export async function exchange(
  address: Address,
  outgoing: OutgoingRequest,
  options: ExchangeOptions,
): Promise<ExchangeResponse> {
  const { direct, streamed, content } = outgoing
  const hasBody = content !== undefined || options.source !== undefined
  if (!direct || !streamed || hasBody || unfitServers.has(address)) {
    return exchangeThroughNode(address, outgoing, options)
  }
  const { response, connection } = await directGet(address, outgoing, options)
  if (connection !== undefined) unfitServers.add(address)
  return response ?? exchangeThroughNode(address, outgoing, options, connection)
}

/**
 * Makes an exchange through node:http.
 *
 * @param sentOn - a connection on which the request was sent
 */
export async function exchangeThroughNode(
  address: Address,
  outgoing: OutgoingRequest,
  options: ExchangeOptions,
  sentOn?: Duplex,
): Promise<ExchangeResponse> {
  const { scope, context, source } = options
  const content = outgoing.content === undefined ? undefined : Buffer.from(outgoing.content)
  const request = openRequest(address, outgoing, content, options, sentOn)
  const idle = watchRequest(request, options.idleTimeoutMs, () =>
    scope.fail(idleFailure(context, options.idleTimeoutMs)),
  )
  let responded = false
  const received = new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', (response) => {
      responded = true
      // Later errors surface when the response is read.
      response.on('error', () => {})
      resolve(response)
    })
    request.on('error', reject)
    // A response that switches protocols emits neither of the two.
    request.once('close', () => {
      if (!responded) reject(new Error('the connection was closed without a response'))
    })
  })
  // Awaited below, unless the request fails before that.
  received.catch(() => {})
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
    return await readResponse(await received, outgoing, request, idle, options)
  } catch (error) {
    failed(error)
    throw error
  }
}

async function readResponse(
  response: IncomingMessage,
  outgoing: OutgoingRequest,
  request: ClientRequest,
  idle: IdleWatch,
  options: ExchangeOptions,
): Promise<ExchangeResponse> {
  const { context, source, expected } = options
  const head = { status: response.statusCode ?? 0, headers: headerMap(response) }
  const { status, headers } = head
  const bytes = messageBytes(response)
  const early = !request.writableEnded
  if (early) source?.stop()
  idle.resume()

  await checkStatus(head, bytes, idle, options)
  if (early) {
    request.destroy()
    throw cutShort(context, 'the server responded before it had the whole body')
  }
  if (source !== undefined) await flushed(request, context)
  checkOrigin(head, context)
  if (outgoing.streamed) return streamedResponse(head, bytes, idle, options)
  const data = await collect(response, MAX_DOCUMENT_BYTES)
  if (data === undefined) throw foreignResponse(context, status, 'document within the size limit')
  // A status of success can come with an error document: the response of a long completion starts before the
  // completion fails. It has no ETag then.
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

/**
 * Waits until the last bytes have left. Until then the connection reads the caller's buffers, and a server that has
 * responded does not have them.
 */
async function flushed(request: ClientRequest, context: RequestContext): Promise<void> {
  if (request.writableFinished) return
  await new Promise<void>((resolve, reject) => {
    request.once('finish', resolve)
    request.once('close', () =>
      reject(cutShort(context, 'the server responded before it had the whole body')),
    )
  })
}

function openRequest(
  { secure, hostname, port, path }: Address,
  outgoing: OutgoingRequest,
  content: Buffer | undefined,
  { scope, context }: ExchangeOptions,
  sentOn: Duplex | undefined,
): ClientRequest {
  const agent = secure ? outgoing.httpsAgent : outgoing.agent
  // ali-oss 6.23 lib/common/utils/createRequest.js counts the characters of a document, not its bytes.
  const length = content === undefined ? undefined : { 'content-length': content.byteLength }
  try {
    return (secure ? nodeHttps() : nodeHttp()).request({
      method: outgoing.method,
      hostname,
      ...(port !== '' && { port }),
      path,
      headers: { ...outgoing.headers, ...length },
      ...(sentOn !== undefined ? { createConnection: () => sentOn } : agent !== undefined && { agent }),
    })
  } catch (error) {
    scope.fail(networkFailure(context, error, false))
    throw error
  }
}

/** Returns a function that says whether the request had a connection, new or reused. */
function connection(request: ClientRequest): () => boolean {
  let connected = false
  request.once('socket', (socket) => {
    if (socket.connecting) socket.once('connect', () => (connected = true))
    else connected = true
  })
  return () => connected
}

/** Returns the whole body, or undefined when it is longer than `limit` bytes. */
async function collect(response: IncomingMessage, limit: number): Promise<Uint8Array | undefined> {
  if (response.headers['content-length'] === '0') {
    // The stream must still end, so that the connection can be used again.
    await new Promise((resolve) => response.once('end', resolve).once('close', resolve).resume())
    return new Uint8Array()
  }
  const chunks: Uint8Array[] = []
  let size = 0
  // Coalesced, because a list of single bytes would take hundreds of times their length.
  for await (const chunk of coalesceChunks(response as AsyncIterable<Uint8Array>)) {
    chunks.push(chunk)
    size += chunk.byteLength
    if (size > limit) return undefined
  }
  return Buffer.concat(chunks)
}

function headerMap(response: IncomingMessage): HeaderMap {
  const { 'set-cookie': cookies, ...headers } = response.headers
  // Node.js has a list for this header alone.
  return { ...(headers as HeaderMap), ...(cookies !== undefined && { 'set-cookie': cookies.join(', ') }) }
}
