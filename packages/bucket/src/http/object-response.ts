import { type ByteRange, type CallOptions, CseError, type HeaderMap } from '@oss-cse/crypto-core'
import type { GetResult } from '../read/get-object.ts'
import type { HeadResult, ObjectDescription } from '../read/head-object.ts'
import { contentDisposition, dispositionName, isAttachment } from './content-disposition.ts'
import { errorResponse, failure } from './error-response.ts'
import { checkInlineTypes, inlineType, MEDIA_TYPES } from './inline-types.ts'
import { hasPreconditions, judgePreconditions, strongTag } from './preconditions.ts'
import { requestedRange } from './requested-range.ts'
import { SAFE_HEADERS } from './safe-headers.ts'

/** What is read to respond to a request: a `CryptoBucket`, or what reads objects in its place. */
export interface ReadableObjects {
  /**
   * As `CryptoBucket.get`.
   *
   * @param options - `headers` contains `if-match` at most. Of a range without an end fewer bytes may be returned
   */
  get(
    key: string,
    options: CallOptions & { readonly range?: ByteRange | undefined; readonly headers?: HeaderMap },
  ): Promise<ReadObject>
  /** As `CryptoBucket.head`. */
  head(key: string, options: CallOptions): Promise<Pick<HeadResult, 'etag' | 'lastModified' | 'sizeBytes'>>
}

/** What a response needs of an object that is being read. */
export interface ReadObject
  extends Pick<ObjectDescription, 'contentType' | 'etag' | 'headers' | 'lastModified'>,
    Pick<GetResult, 'contentRange' | 'sizeBytes' | 'totalBytes'> {
  readonly body: ReadableStream<Uint8Array>
}

/** Options of a response with an object. */
export interface ObjectResponseOptions {
  /**
   * The media types that a browser may show in a page, in lower case. Any other object is sent as bytes to download. Types that
   * a browser runs, such as HTML and SVG, are refused. Default: `MEDIA_TYPES`.
   */
  readonly inlineTypes?: readonly string[] | undefined
  /**
   * Makes the browser save the object under this name, whatever its type is. Any text is safe. Empty: the name in the object's
   * Content-Disposition, or the last part of its key. Default: not set.
   */
  readonly downloadName?: string | undefined
  /** Called with each error that becomes a status. An error of the body, later, errors the body. */
  readonly onError?: ((error: unknown) => void) | undefined
}

/**
 * Responds to a GET or HEAD of an object as a web server does, with the decrypted content: ranges, conditions (`If-Match`,
 * `If-None-Match`, `If-Range` and the dates), and errors as statuses whose body is the code of the error.
 *
 * A GET without conditions sends one request to the service. The body is decrypted as it is read, in constant memory. A whole
 * object is checked at its end: if that fails, the body errors, so that the download fails. A range of an object under AES-CTR
 * is not verified. Sealed content is always verified.
 *
 * The response is safe to show under the origin of an app: content is shown only if its type is in `inlineTypes`, and
 * scripts in it never run. It may not be cached (`no-store`): set your own `cache-control` on it to allow that.
 *
 * @param objects - a `CryptoBucket`
 * @param key - the object's key. Check first that the user may read it
 * @param request - its method, headers and signal are used, and not its URL
 * @returns the status 200, 206, 304, 400, 403, 404, 405, 412, 416, 500, 502, 503 or 504. Never rejects, except with the reason
 * of the request's signal, and before any request
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when the options are invalid.
 *
 * @example
 * ```ts
 * const { pathname } = new URL(request.url)
 * return objectResponse(bucket, decodeURIComponent(pathname.slice('/files/'.length)), request)
 * ```
 */
export async function objectResponse(
  objects: ReadableObjects,
  key: string,
  request: Request,
  options: ObjectResponseOptions = {},
): Promise<Response> {
  const { inlineTypes = MEDIA_TYPES, onError } = options
  if (inlineTypes !== MEDIA_TYPES) checkInlineTypes(inlineTypes)
  const { method, signal } = request
  if (method !== 'GET' && method !== 'HEAD')
    return failure(405, 'method not allowed', request, { allow: 'GET, HEAD' })
  try {
    return await respond(objects, key, request, { ...options, inlineTypes })
  } catch (error) {
    signal.throwIfAborted()
    onError?.(error)
    return errorResponse(error, request)
  }
}

interface CheckedOptions extends ObjectResponseOptions {
  readonly inlineTypes: readonly string[]
}

async function respond(
  objects: ReadableObjects,
  key: string,
  request: Request,
  options: CheckedOptions,
): Promise<Response> {
  const { headers, method, signal } = request
  let pinned: string | undefined
  if (hasPreconditions(headers)) {
    const state = await objects.head(key, { signal })
    const verdict = judgePreconditions(headers, state)
    if (verdict === 'failed') return failure(412, 'ERR_CSE_PRECONDITION_FAILED', request)
    if (verdict === 'not-modified')
      return new Response(null, { status: 304, headers: { ...SAFE_HEADERS, ...validators(state) } })
    if (headers.has('if-match')) pinned = state.etag
  }
  if (method === 'HEAD') return headResponse(objects, key, request, pinned, options)
  return getResponse(objects, key, request, pinned, options)
}

/** Requests the first byte and not only the headers, so that a HEAD has the status of a GET. */
async function headResponse(
  objects: ReadableObjects,
  key: string,
  { signal }: Request,
  pinned: string | undefined,
  options: CheckedOptions,
): Promise<Response> {
  const conditions = pinnedBy(pinned)
  const object = await objects
    .get(key, { range: { start: 0, end: 0 }, headers: conditions, signal })
    .catch((error: unknown) => {
      if (!isNotSatisfiable(error)) throw error
      return objects.get(key, { headers: conditions, signal })
    })
  await object.body.cancel()
  const { totalBytes } = object
  return new Response(null, { headers: contentHeaders(key, object, totalBytes, options) })
}

async function getResponse(
  objects: ReadableObjects,
  key: string,
  request: Request,
  pinned: string | undefined,
  options: CheckedOptions,
): Promise<Response> {
  const { headers, signal } = request
  const whole = async (): Promise<Response> => {
    const object = await objects.get(key, { headers: pinnedBy(pinned), signal })
    return new Response(object.body, { headers: contentHeaders(key, object, object.sizeBytes, options) })
  }
  const ifRange = headers.get('if-range')
  const wanted = ifRange === null ? undefined : strongTag(ifRange)
  const mayBePart = ifRange === null || (wanted !== undefined && (pinned === undefined || pinned === wanted))
  try {
    const range = mayBePart ? requestedRange(headers.get('range')) : undefined
    if (range === undefined) return await whole()
    const object = await objects.get(key, { range, headers: pinnedBy(wanted ?? pinned), signal })
    const { body, contentRange = '', sizeBytes } = object
    const content = contentHeaders(key, object, sizeBytes, options)
    return new Response(body, { status: 206, headers: { ...content, 'content-range': contentRange } })
  } catch (error) {
    // The object has changed since the client has read the other bytes: it gets the new object.
    if (pinned === undefined && wanted !== undefined && isReplaced(error)) return whole()
    if (!isNotSatisfiable(error)) throw error
    const { sizeBytes } = await objects.head(key, { signal })
    // No range of an empty object can be described, and some players ask for one from byte 0.
    if (sizeBytes === 0) return whole()
    options.onError?.(error)
    return failure(416, error.code, request, { 'content-range': `bytes */${sizeBytes}` })
  }
}

function contentHeaders(
  key: string,
  object: ReadObject,
  sizeBytes: number,
  { inlineTypes, downloadName }: CheckedOptions,
): Record<string, string> {
  const { contentType = '', headers } = object
  const { 'content-disposition': stored = '', 'content-encoding': encoding } = headers
  const type = inlineType(contentType, inlineTypes)
  const download = type === undefined || downloadName !== undefined || isAttachment(stored)
  const name = downloadName || dispositionName(stored) || key.slice(key.lastIndexOf('/') + 1)
  return {
    ...SAFE_HEADERS,
    ...validators(object),
    'accept-ranges': 'bytes',
    'content-disposition': contentDisposition(download ? 'attachment' : 'inline', name),
    'content-length': String(sizeBytes),
    'content-type': type ?? 'application/octet-stream',
    ...(encoding !== undefined && { 'content-encoding': encoding }),
  }
}

function validators({
  etag,
  lastModified,
}: Pick<ObjectDescription, 'etag' | 'lastModified'>): Record<string, string> {
  return {
    ...(etag !== undefined && { etag }),
    ...(lastModified !== undefined && { 'last-modified': lastModified.toUTCString() }),
  }
}

function pinnedBy(etag: string | undefined): HeaderMap {
  return etag === undefined ? {} : { 'if-match': etag }
}

function isNotSatisfiable(error: unknown): error is CseError {
  return CseError.isInstance(error) && error.code === 'ERR_CSE_RANGE_NOT_SATISFIABLE'
}

function isReplaced(error: unknown): boolean {
  return CseError.isInstance(error) && error.code === 'ERR_CSE_PRECONDITION_FAILED'
}
