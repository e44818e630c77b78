import { extname } from 'node:path'
import type { GetOptions, ObjectOptions, PlainObjectPolicy, ReadPolicies } from '@oss-cse/bucket'
import { CseError, decodeBase64, OSS_HEADERS } from '@oss-cse/crypto-core'
import mime from 'mime'
import { refuse } from './refusal.ts'

/** Options of every call. */
export interface CallOptions {
  /**
   * The idle timeout in milliseconds: the call fails when no byte moves in either direction for this long.
   * `deadlineMs` limits the total time. Default: that of the client.
   */
  readonly timeout?: number | string | undefined
  /**
   * The maximum total time of the call in milliseconds, with retries, waits and the reading of a returned stream. A
   * whole number from 1 to 2**31 - 1. After that the call rejects with `ERR_CSE_DEADLINE_EXCEEDED`. Default: no
   * limit.
   */
  readonly deadlineMs?: number | undefined
  /** Cancels the call, which then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
  readonly headers?: object | undefined
}

/**
 * The request that the service sends to your server once an object is stored. It describes the ciphertext: `${size}`
 * is right for the plaintext too unless the object is sealed, `${etag}` is that of the ciphertext.
 */
export interface CallbackOptions {
  readonly url: string
  readonly host?: string | undefined
  readonly body: string
  readonly contentType?: string | undefined
  readonly callbackSNI?: boolean | undefined
  readonly customValue?: object | undefined
}

/** Options of an upload. */
export interface PutOptions extends CallOptions {
  /** User metadata, stored in plaintext. Names are without `x-oss-meta-`, values are printable ASCII. */
  readonly meta?: object | undefined
  /** The Content-Type, or a file extension. Default: by the name of the file, then by the name of the object. */
  readonly mime?: string | null | undefined
  readonly callback?: CallbackOptions | undefined
  /** The length of a stream in bytes. */
  readonly contentLength?: number | undefined
  /**
   * The context of a sealed object, at most 1,024 bytes of UTF-8: see `ReadOptions`. Default: that of the client. Only for
   * a client that seals.
   */
  readonly context?: string | undefined
}

/** Options of a read of an object's headers. */
export interface HeadOptions extends CallOptions {
  readonly versionId?: string | undefined
  /** Only `{ versionId }`. */
  readonly subres?: object | undefined
}

/** Options of a download. */
export interface ReadOptions extends HeadOptions, ReadPolicies {
  /** Default: that of the client. */
  readonly onPlainObject?: PlainObjectPolicy | undefined
  /** Default: that of the client. */
  readonly maxDecompressedBytes?: number | undefined
  /**
   * The number of parallel requests in which a file of more than 16 MiB is read, at most 100. 1: one request, as in
   * ali-oss. Default 3, or 1 if the client has no `fileWorkers` or the request has a traffic limit.
   */
  readonly parallel?: number | undefined
  /** Refused: the server cannot process ciphertext. */
  readonly process?: string | undefined
}

/**
 * Returns headers as ali-oss sends them: without absent values, with numbers and booleans as text. Names are
 * unchanged.
 */
export function headerFields(headers: object | null | undefined): Record<string, string> {
  const there = Object.entries(headers ?? {}).filter(([, value]) => value !== undefined && value !== null)
  return Object.fromEntries(there.map(([name, value]) => [name, String(value)]))
}

/** The headers to send, and those removed that have an option of their own. */
class HeaderFields {
  readonly #fields: Map<string, string>

  constructor(headers: object | undefined) {
    this.#fields = new Map(Object.entries(headerFields(headers)))
  }

  get fields(): Record<string, string> {
    return Object.fromEntries(this.#fields)
  }

  take(lowerName: string): string | undefined {
    for (const [name, value] of this.#fields) {
      if (name.toLowerCase() !== lowerName) continue
      this.#fields.delete(name)
      return value
    }
    return undefined
  }
}

/** Returns the options of an object in the form of the bucket, and the length of its stream if it was passed. */
export function objectOptions(
  options: PutOptions,
  path = '',
): ObjectOptions & { readonly sizeBytes: number | undefined; readonly context: string | undefined } {
  checkSubresources(options)
  const headers = new HeaderFields(options.headers)
  headers.take('transfer-encoding')
  const length = Number(headers.take('content-length')) || undefined
  checkMd5(headers)
  const contentType = headers.take('content-type') ?? mimeType(options.mime || extname(path))
  return {
    metadata: headerFields(options.meta),
    contentType,
    headers: { ...headers.fields, ...callbackHeaders(options.callback, headers) },
    // ali-oss treats a length of 0 as no length: lib/object.js `putStream`.
    sizeBytes: checkedLength(Number(options.contentLength) || length),
    context: options.context ?? undefined,
  }
}

function checkMd5({ fields }: HeaderFields): void {
  const [, md5] = Object.entries(fields).find(([name]) => name.toLowerCase() === 'content-md5') ?? []
  if (md5 === undefined || decodeBase64(md5)?.length === 16) return
  throw invalid('the header Content-MD5 must be 16 bytes in base64')
}

function checkedLength(length: number | undefined): number | undefined {
  if (length === undefined || (Number.isSafeInteger(length) && length >= 0)) return length
  throw invalid(`contentLength must be a length in bytes, not ${length}`)
}

/** Reads `mime` as ali-oss does: lib/common/utils/createRequest.js. */
function mimeType(given: string): string | undefined {
  return given.indexOf('/') > 0 ? given : (mime.getType(given) ?? undefined)
}

/** Returns the headers of a part or a completion, which do not describe the object. */
export function laterHeaders(options: PutOptions): Record<string, string> {
  const headers = new HeaderFields(options.headers)
  for (const name of ['content-length', 'transfer-encoding']) headers.take(name)
  return { ...headers.fields, ...callbackHeaders(options.callback, headers) }
}

/** Writes a callback as ali-oss does: lib/common/callback.js. */
function callbackHeaders(
  callback: CallbackOptions | undefined,
  { fields }: HeaderFields,
): Record<string, string> {
  const given = Object.keys(fields).some((name) => name.toLowerCase() === OSS_HEADERS.callback)
  if (callback === undefined || callback === null || given) return {}
  const { url, body, host, contentType, callbackSNI, customValue } = callback
  const variables = Object.entries(customValue ?? {}).map(([name, value]) => [`x:${name}`, String(value)])
  return {
    [OSS_HEADERS.callback]: base64Json({
      callbackUrl: encodeURI(url),
      callbackBody: body,
      ...(host && { callbackHost: host }),
      ...(contentType && { callbackBodyType: contentType }),
      ...(callbackSNI && { callbackSNI }),
    }),
    ...(customValue && { [OSS_HEADERS.callbackVariables]: base64Json(Object.fromEntries(variables)) }),
  }
}

function base64Json(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64')
}

/** Returns the options of a read in the form of the bucket. */
export function getOptions(options: ReadOptions): Omit<GetOptions, 'onProgress'> {
  const { signal, deadlineMs, onPlainObject, expectCommitment, context } = options
  if (options.process) refuse('process')
  const { versionId, headers } = headOptions(options)
  const fields = new HeaderFields(headers)
  fields.take(OSS_HEADERS.rangeBehavior)
  const range = rangeOf(fields.take('range'))
  const policies = { onPlainObject, expectCommitment, context: context ?? undefined }
  return { headers: fields.fields, range, versionId, signal, deadlineMs, ...policies }
}

/** Returns the options of a read of headers in the form of the bucket. */
export function headOptions(options: HeadOptions): {
  readonly headers: Record<string, string>
  readonly versionId: string | undefined
  readonly signal: AbortSignal | undefined
  readonly deadlineMs: number | undefined
} {
  const versionId = checkSubresources(options, options.versionId)
  const headers = new HeaderFields(options.headers)
  headers.take('accept-encoding')
  const { signal, deadlineMs } = options
  return { headers: headers.fields, versionId, signal, deadlineMs }
}

/**
 * Parses an HTTP Range header. As in the service, the first range of several counts, and an invalid header means the
 * whole object.
 */
function rangeOf(header: string | undefined): GetOptions['range'] {
  const [, first = '', last = ''] =
    /^\s*bytes\s*=\s*(?:(\d+)\s*)?-\s*(?:(\d+)\s*)?(?:,.*)?$/i.exec(header ?? '') ?? []
  if (first === '') return Number(last) > 0 ? { suffixLength: Number(last) } : undefined
  if (last === '') return { start: Number(first) }
  return Number(last) < Number(first) ? undefined : { start: Number(first), end: Number(last) }
}

/**
 * Throws for subresources that the bucket cannot request.
 *
 * @returns the version, which `getStream` of ali-oss accepts only as a subresource
 */
export function checkSubresources(options: object, versionId?: string): string | undefined {
  const { subres, method } = options as { subres?: unknown; method?: unknown }
  const given = typeof subres === 'string' ? { [subres]: '' } : ((subres ?? {}) as Record<string, unknown>)
  if (OSS_HEADERS.process in given) refuse('process')
  const { versionId: version, ...others } = given
  const names = Object.keys(others)
  if (names.length > 0) {
    throw invalid(`the subresources ${names.join(', ')} cannot be requested for an encrypted object`)
  }
  if (method !== undefined && method !== null && method !== 'PUT') {
    throw invalid(`the method of an upload must not be ${JSON.stringify(method)}`)
  }
  return versionId ?? (version === undefined || version === null ? undefined : String(version))
}

/** The error of an invalid argument. */
export function invalid(why: string): CseError {
  return new CseError('ERR_CSE_INVALID_ARGUMENT', `CryptoOSS: ${why}.`)
}
