import {
  CseError,
  decodeBase64,
  type HeaderMap,
  isErrorDocument,
  OSS_HEADERS,
  type TransportError,
} from '@oss-cse/crypto-core'
import {
  flatDocument,
  foreignResponse,
  OSS_HEADER_PREFIX,
  type RequestContext,
  rootElement,
  serviceFailure,
  signingFailure,
  tell,
} from '@oss-cse/crypto-core/internal'
import type { AuthorizedRequest, Authorizer, Refusal, RequestToAuthorize } from '../signing/authorizer.ts'
import { fetchRequest, type IncomingResponse, type OutgoingRequest } from './fetch-request.ts'
import { brokenConnection, hiddenHeaders } from './network-errors.ts'
import { received, refusalDocument } from './response-body.ts'
import { hasXhr, xhrRequest } from './xhr-request.ts'

/** More than the longest listing: 1,000 keys of 1,023 bytes, escaped. */
const MAX_DOCUMENT_BYTES = 16 * 1024 ** 2

/** One call of the transport. */
export interface OssCall {
  /** The operation, for error messages: `put`, `list`. */
  readonly operation: string
  readonly method: RequestToAuthorize['method']
  readonly key?: string | undefined
  readonly query: Readonly<Record<string, string>>
  /** Checked, with names in lower case. */
  readonly headers: HeaderMap
  readonly content?: Uint8Array<ArrayBuffer> | undefined
  readonly onSentBytes?: ((sentBytes: number) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/** What a successful response must be. */
export interface Expectation {
  /** Default 200. */
  readonly status?: number | undefined
  /** The root element of its document. */
  readonly root?: string | undefined
  /** The headers that it must show, beside the id of the request. */
  readonly shows?: readonly string[] | undefined
  /** Those that it must show if a CORS rule decides. */
  readonly showsUnderCors?: readonly string[] | undefined
  /** True when the body comes from the callback server of the app. */
  readonly hasCallback?: boolean | undefined
}

/** A successful response with its whole body. */
export interface DocumentResponse {
  readonly status: number
  readonly headers: HeaderMap
  readonly data: Uint8Array
}

/** Sends the calls of a transport: authorizes, sends, judges, and repeats a call once that can be cured. */
export class OssClient {
  readonly bucket: string
  readonly #authorizer: Authorizer

  constructor(bucket: string, authorizer: Authorizer) {
    this.bucket = bucket
    this.#authorizer = authorizer
  }

  /** The context for the errors of a call. */
  contextOf({ operation, key: objectKey }: OssCall): RequestContext {
    return {
      operation,
      bucket: this.bucket,
      ...(objectKey !== undefined && { objectKey }),
      renewalHint: 'Let `credentials` return newer ones.',
    }
  }

  /**
   * Sends a call and returns a response with a status from 200 to 299.
   *
   * The service may refuse a signature because of the clock or the credentials. Each of them is renewed once, and the
   * same bytes are sent again. A refused request has stored nothing.
   *
   * @throws TransportError; the signal's reason
   */
  async send(call: OssCall): Promise<IncomingResponse> {
    const { signal } = call
    const context = this.contextOf(call)
    const tried = new Set<string>()
    let sentBytes = 0
    const onSentBytes = (count: number): void => {
      // The same bytes may be sent twice.
      if (count > sentBytes) tell(call.onSentBytes, count)
      sentBytes = Math.max(sentBytes, count)
    }
    const counting = { ...call, ...(call.onSentBytes && { onSentBytes }) }
    for (;;) {
      const authorized = await this.#authorize(call, context)
      const response = await sendAuthorized(counting, authorized, context)
      const { status, headers, stream } = response
      if (status >= 200 && status < 300) return response
      const { data } = await refusalDocument(stream, signal)
      if (signal?.aborted) throw signal.reason
      const error = serviceFailure(context, { status, headers, data })
      const remedy = this.#authorizer.refused(authorized, refusalOf(error, headers, data))
      if (remedy === undefined || tried.has(remedy)) throw error
      tried.add(remedy)
    }
  }

  /**
   * Sends a call and reads the whole response.
   *
   * @throws as `send`; TransportError `ERR_CSE_SERVICE` for a response that OSS would not send
   */
  async document(call: OssCall, expected: Expectation = {}): Promise<DocumentResponse> {
    const {
      status: expectedStatus = 200,
      root,
      shows = [],
      showsUnderCors = [],
      hasCallback = false,
    } = expected
    const context = this.contextOf(call)
    const { status, headers, type, stream } = await this.send(call)
    const { data, ending } = await received(stream, MAX_DOCUMENT_BYTES, call.signal)
    if (ending === 'broken') throw call.signal?.aborted ? call.signal.reason : brokenConnection(context)
    const hidden = [OSS_HEADERS.requestId, ...shows, ...(type === 'cors' ? showsUnderCors : [])].filter(
      (name) => !Object.hasOwn(headers, name),
    )
    const ofCallback = hasCallback && hidden.length === 0
    // The response to a long completion starts before the completion fails.
    if (isErrorDocument(data) && !ofCallback) throw serviceFailure(context, { status, headers, data })
    if (hidden.length > 0) throw hiddenHeaders(context, status, hidden)
    const isExpected =
      status === expectedStatus && ending === 'end' && (root ?? rootElement(data)) === rootElement(data)
    if (!isExpected && !ofCallback)
      throw foreignResponse(context, status, root ? `<${root}> document` : 'expected status')
    return { status, headers, data }
  }

  async #authorize(call: OssCall, context: RequestContext): Promise<AuthorizedRequest> {
    const { method, key, query, headers, signal } = call
    if (signal?.aborted) throw signal.reason
    const signed = Object.entries(headers).filter(([name]) => isSigned(name))
    const request = { method, ...(key !== undefined && { key }), query, headers: Object.fromEntries(signed) }
    try {
      return await this.#authorizer.authorize(request, { signal })
    } catch (error) {
      if (signal?.aborted || CseError.isInstance(error)) throw error
      throw signingFailure(context, error, this.#authorizer.mayRetry(error))
    }
  }
}

/** The headers that version 4 of the signature covers. */
function isSigned(name: string): boolean {
  return name.startsWith(OSS_HEADER_PREFIX) || name === 'content-type' || name === 'content-md5'
}

async function sendAuthorized(
  { method, headers, content, onSentBytes, signal }: OssCall,
  authorized: AuthorizedRequest,
  context: RequestContext,
): Promise<IncomingResponse> {
  const outgoing: OutgoingRequest = {
    method,
    url: authorized.url,
    headers: { ...headers, ...authorized.headers },
    content,
    signal,
  }
  const response =
    onSentBytes !== undefined && hasXhr()
      ? await xhrRequest(outgoing, context, onSentBytes)
      : await fetchRequest(outgoing, context)
  if (response.status < 300) onSentBytes?.(content?.length ?? 0)
  return response
}

function refusalOf(
  { status = 0, serviceCode }: TransportError,
  headers: HeaderMap,
  data: Uint8Array,
): Refusal {
  const document = isErrorDocument(data) ? data : (decodeBase64(headers[OSS_HEADERS.error] ?? '') ?? data)
  const time = Date.parse(flatDocument(document)?.get('ServerTime') ?? headers['date'] ?? '')
  return { status, serviceCode, serviceTimeMs: Number.isNaN(time) ? undefined : time }
}
