import { type AccessCredentials, OSS_HEADERS, TransportError } from '@oss-cse/crypto-core'
import {
  isReservedMetadata,
  refusesCredentials,
  rootElement,
  xmlDocumentProblem,
} from '@oss-cse/crypto-core/internal'
import { ClientTokenRefresher } from '@oss-cse/transport-oss'
import type OSS from 'ali-oss'
import { internalsOf } from './ali-oss-internals.ts'
import { BoundedHttp, type HttpClient } from './bounded-http.ts'
import { expectedRoot } from './expected-root.ts'
import { invalid } from './request-options.ts'
import { type ServiceError, serviceError } from './service-error.ts'
import { timeoutMsOf } from './timeout.ts'

/** The result of ali-oss 6.23 lib/client.js `request`. */
export interface PassedResult {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly res: object
  readonly data: unknown
}

/** The fields of a request of ali-oss that are read here. */
export interface PassedParams {
  readonly method?: string
  readonly bucket?: string
  readonly object?: string
  readonly subres?: unknown
  readonly headers?: Readonly<Record<string, unknown>>
  readonly query?: unknown
  readonly content?: unknown
  readonly stream?: unknown
  /** True when the response document is parsed. */
  readonly xmlResponse?: boolean
  readonly timeout?: number | string
}

/** The function of ali-oss that sends a request with a client. */
type Send = (client: OSS, params: PassedParams) => Promise<PassedResult>

/**
 * Sends a request of ali-oss unchanged, with the guarantees of encrypted calls: it waits for a token that is being
 * refreshed, it retries once when the service refuses an expired token, and only a response of the service counts as
 * a success.
 *
 * @param client - the client, or a view of it
 * @param send - called more than once unless the request has a stream
 * @throws the errors of ali-oss and of `refreshSTSToken`; CseError `ERR_CSE_INVALID_ARGUMENT` for metadata whose name
 *   every JavaScript object has
 */
export async function passRequest(client: OSS, params: PassedParams, send: Send): Promise<PassedResult> {
  const reserved = Object.keys(params.headers ?? {}).find((name) => isReservedMetadata(name.toLowerCase()))
  if (reserved !== undefined) {
    throw invalid(`the header ${reserved} has a name that every JavaScript object has. Choose another one`)
  }
  const tokens = refresherOf(client, params)
  const credentials = await freshBy(tokens)
  if (credentials === undefined) return checked(client, params, send)
  try {
    return await checked(signedBy(client, credentials), params, send)
  } catch (error) {
    if (!refusesCredentials((error as ServiceError).code)) throw error
    tokens.expire(credentials)
    if (params.stream) throw error
    return checked(signedBy(client, (await freshBy(tokens)) ?? credentials), params, send)
  }
}

/**
 * Returns a view of a client with a fresh token, for values that ali-oss signs without sending them.
 *
 * @throws the errors of `refreshSTSToken`
 */
export async function freshClient<Client extends OSS>(client: Client): Promise<Client> {
  const credentials = await freshBy(refresherOf(client, {}))
  return credentials === undefined ? client : signedBy(client, credentials)
}

function refresherOf(client: OSS, { timeout }: PassedParams): ClientTokenRefresher {
  return new ClientTokenRefresher(client, timeoutMsOf(client, timeout) ?? REFRESH_TIMEOUT_MS)
}

/** The timeout of `refreshSTSToken` for a client without a timeout, in milliseconds. */
const REFRESH_TIMEOUT_MS = 60_000

async function freshBy(tokens: ClientTokenRefresher): Promise<AccessCredentials | undefined> {
  try {
    return await tokens.fresh()
  } catch (error) {
    throw TransportError.isInstance(error) ? serviceError(error) : error
  }
}

/** Returns a view of a client that signs with fresh credentials, so that ali-oss does not refresh them again. */
function signedBy<Client extends OSS>(
  client: Client,
  { accessKeyId, accessKeySecret, securityToken }: AccessCredentials,
): Client {
  const { options } = internalsOf(client)
  const signing = { accessKeyId, accessKeySecret, stsToken: securityToken, refreshSTSToken: undefined }
  return Object.create(client, { options: { value: { ...options, ...signing } } })
}

/**
 * Sends a request, and throws for a success of a proxy or a captive portal, because the service may not have done
 * anything.
 */
async function checked(client: OSS, params: PassedParams, send: Send): Promise<PassedResult> {
  const { xmlResponse } = params
  // Parsed below, because ali-oss drops the root element.
  const result = await sendBounded(client, xmlResponse ? { ...params, xmlResponse: false } : params, send)
  const { status, headers } = result
  if (status < 200 || status > 299) return result
  if (headers[OSS_HEADERS.requestId] === undefined)
    throw foreignResponse(status, `it has no ${OSS_HEADERS.requestId}`)
  const expected = expectedRoot(params)
  if (!xmlResponse && expected === undefined) return result
  const document = bytesOf(result.data)
  const root = rootElement(document)
  if (expected === undefined ? /^html$/i.test(root ?? '') : root !== expected) {
    throw foreignResponse(status, `it has no <${expected ?? 'known'}> document`)
  }
  return xmlResponse ? Object.assign(result, { data: await parsed(client, document, status) }) : result
}

/** Sends a request, and throws for a response that is longer than any of the service. */
async function sendBounded(client: OSS, params: PassedParams, send: Send): Promise<PassedResult> {
  const http = new BoundedHttp(internalsOf(client).urllib as HttpClient)
  try {
    return await send(Object.create(client, { urllib: { value: http } }), params)
  } catch (error) {
    if (http.refusal === undefined) throw error
    throw foreignResponse(http.refusal.status, 'its document is too long, or cannot be decompressed')
  }
}

/** Returns the parsed document. It must be harmless for the parser of ali-oss and for the users of the result. */
async function parsed(client: OSS, document: Buffer, status: number): Promise<unknown> {
  const problem = xmlDocumentProblem(document)
  if (problem !== undefined) throw foreignResponse(status, `its document ${problem}`)
  try {
    return await internalsOf(client).parseXML(document)
  } catch {
    // The parser's error quotes the document.
    throw foreignResponse(status, 'its document is not readable')
  }
}

function bytesOf(data: unknown): Buffer {
  return Buffer.isBuffer(data) ? data : Buffer.from(String(data ?? ''))
}

function foreignResponse(status: number, problem: string): unknown {
  const message = `This is not a response of OSS (HTTP status ${status}): ${problem}. Check the endpoint and any proxy.`
  return serviceError(new TransportError('ERR_CSE_SERVICE', message, { status, retryable: false }))
}
