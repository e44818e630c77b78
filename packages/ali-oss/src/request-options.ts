import { extname } from 'node:path'
import type { GetOptions, ObjectOptions, PlainObjectPolicy } from '@oss-cse/bucket'
import { CseError, decodeBase64, OSS_HEADERS } from '@oss-cse/crypto-core'
import mime from 'mime'
import { refuse } from './refusal.ts'

/** What every call takes. */
export interface CallOptions {
  /**
   * After how many milliseconds without a byte in either direction the call fails. It is an idle timeout: `deadlineMs` limits
   * the whole. Default: the client's.
   */
  readonly timeout?: number | string | undefined
  /**
   * How long the whole call may take, in milliseconds: retries, waits and the reading of a returned stream included. A whole
   * number from 1 to 2**31 - 1. When it passes, the call rejects with `ERR_CSE_DEADLINE_EXCEEDED`. Default: no limit.
   */
  readonly deadlineMs?: number | undefined
  /** Cancels the call: it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
  readonly headers?: object | undefined
}

/** What the service tells your server once an object is stored. It speaks of ciphertext: `${size}` holds, `${etag}` is of the ciphertext. */
export interface CallbackOptions {
  readonly url: string
  readonly host?: string | undefined
  readonly body: string
  readonly contentType?: string | undefined
  readonly callbackSNI?: boolean | undefined
  readonly customValue?: object | undefined
}

/** What may go with an upload. */
export interface PutOptions extends CallOptions {
  /** User metadata, stored in clear: names without `x-oss-meta-`, values printable ASCII. */
  readonly meta?: object | undefined
  /** The Content-Type, or a file extension. Default: by the file's name, then by the object's. */
  readonly mime?: string | null | undefined
  readonly callback?: CallbackOptions | undefined
  /** The length of a stream in bytes. */
  readonly contentLength?: number | undefined
}

/** What may go with a read of an object's headers. */
export interface HeadOptions extends CallOptions {
  readonly versionId?: string | undefined
  /** Only `{ versionId }`. */
  readonly subres?: object | undefined
}

/** What may go with a download. */
export interface ReadOptions extends HeadOptions {
  /** Default: the client's. */
  readonly onPlainObject?: PlainObjectPolicy | undefined
  /** Default: the client's. */
  readonly maxDecompressedBytes?: number | undefined
  /** Refused: the server cannot process ciphertext. */
  readonly process?: string | undefined
}

/** Headers as ali-oss sends them: without what is not there, numbers and booleans as text. Names as they were given. */
export function headerFields(headers: object | null | undefined): Record<string, string> {
  const there = Object.entries(headers ?? {}).filter(([, value]) => value !== undefined && value !== null)
  return Object.fromEntries(there.map(([name, value]) => [name, String(value)]))
}

/** Headers as they go out, and those taken away that have an option of their own. */
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

/** What describes an object, in the bucket's words, and the length of its stream where that was said. */
export function objectOptions(
  options: PutOptions,
  path = '',
): ObjectOptions & { readonly sizeBytes: number | undefined } {
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
    // ali-oss takes a length of 0 for none: lib/object.js `putStream`.
    sizeBytes: checkedLength(Number(options.contentLength) || length),
  }
}

function checkMd5({ fields }: HeaderFields): void {
  const [, md5] = Object.entries(fields).find(([name]) => name.toLowerCase() === 'content-md5') ?? []
  if (md5 === undefined || decodeBase64(md5)?.length === 16) return
  throw invalid('the header Content-MD5 is the base64 text of 16 bytes')
}

function checkedLength(length: number | undefined): number | undefined {
  if (length === undefined || (Number.isSafeInteger(length) && length >= 0)) return length
  throw invalid(`contentLength is a length in bytes, not ${length}`)
}

/** As ali-oss reads `mime`: lib/common/utils/createRequest.js. */
function mimeType(given: string): string | undefined {
  return given.indexOf('/') > 0 ? given : (mime.getType(given) ?? undefined)
}

/** The headers of a part or a completion, which describe no object. */
export function laterHeaders(options: PutOptions): Record<string, string> {
  const headers = new HeaderFields(options.headers)
  for (const name of ['content-length', 'transfer-encoding']) headers.take(name)
  return { ...headers.fields, ...callbackHeaders(options.callback, headers) }
}

/** As ali-oss writes a callback: lib/common/callback.js. */
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

/** A read, in the bucket's words. */
export function getOptions(
  options: ReadOptions,
): Pick<GetOptions, 'headers' | 'range' | 'versionId' | 'signal' | 'deadlineMs' | 'onPlainObject'> {
  const { signal, deadlineMs, onPlainObject } = options
  if (options.process) refuse('process')
  const { versionId, headers } = headOptions(options)
  const fields = new HeaderFields(headers)
  fields.take(OSS_HEADERS.rangeBehavior)
  const range = rangeOf(fields.take('range'))
  return { headers: fields.fields, range, versionId, signal, deadlineMs, onPlainObject }
}

/** A read of headers, in the bucket's words. */
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

/** What an HTTP Range header asks for. As the service does, it takes the first range of several, and of nonsense the whole. */
function rangeOf(header: string | undefined): GetOptions['range'] {
  const [, first = '', last = ''] =
    /^\s*bytes\s*=\s*(?:(\d+)\s*)?-\s*(?:(\d+)\s*)?(?:,.*)?$/i.exec(header ?? '') ?? []
  if (first === '') return Number(last) > 0 ? { suffixLength: Number(last) } : undefined
  if (last === '') return { start: Number(first) }
  return Number(last) < Number(first) ? undefined : { start: Number(first), end: Number(last) }
}

/**
 * Refuses what the bucket has no way to ask for.
 *
 * @returns the version, which `getStream` of ali-oss takes as a subresource alone
 */
export function checkSubresources(options: object, versionId?: string): string | undefined {
  const { subres, method } = options as { subres?: unknown; method?: unknown }
  const given = typeof subres === 'string' ? { [subres]: '' } : ((subres ?? {}) as Record<string, unknown>)
  if (OSS_HEADERS.process in given) refuse('process')
  const { versionId: version, ...others } = given
  const names = Object.keys(others)
  if (names.length > 0) {
    throw invalid(`the subresources ${names.join(', ')} cannot be asked for on an encrypted object`)
  }
  if (method !== undefined && method !== null && method !== 'PUT') {
    throw invalid(`the method of an upload cannot be ${JSON.stringify(method)}`)
  }
  return versionId ?? (version === undefined || version === null ? undefined : String(version))
}

/** The error of an argument that cannot be. */
export function invalid(why: string): CseError {
  return new CseError('ERR_CSE_INVALID_ARGUMENT', `CryptoOSS: ${why}.`)
}
