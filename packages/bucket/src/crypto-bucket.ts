import {
  type BoundedCallOptions,
  type CallOptions,
  CseError,
  checkedRetryOptions,
  concatBytes,
  type GetObjectResponse,
  type HeaderMap,
  type HeadObjectResponse,
  Keyring,
  type MasterKeyProvider,
  type MultipartTransport,
  type ObjectCatalog,
  type ObjectSummary,
  type ObjectTransport,
  OSS_HEADERS,
  type PendingUpload,
  type RetryOptions,
  TransportError,
  type UrlTransport,
} from '@oss-cse/crypto-core'
import {
  eachWithDeadline,
  MAX_DELETED_KEYS,
  MAX_PAGE_ENTRIES,
  sliceResponse,
  withDeadline,
} from '@oss-cse/crypto-core/internal'
import { aboutObject } from './policy/about-object.ts'
import type { BucketContext, PlainObjectPolicy } from './policy/bucket-context.ts'
import { Leftovers } from './policy/leftovers.ts'
import { objectPages, uploadPages } from './policy/listed-pages.ts'
import { callerHeaders, refuseProcessing } from './policy/request-headers.ts'
import { type Logger, type RetryEvent, withRetries } from './policy/retry.ts'
import { type GetOptions, type GetResult, getObject } from './read/get-object.ts'
import { describeObject, type HeadOptions, type HeadResult } from './read/head-object.ts'
import { LinkedObject, refuseLink } from './read/linked-object.ts'
import { type ObjectReader, type OpenOptions, openObject, type ReaderSource } from './read/object-reader.ts'
import { closeIterator } from './read/resumed-read.ts'
import {
  type DownloadOptions,
  type DownloadResult,
  type DownloadTarget,
  downloadObject,
} from './resume/resumable-download.ts'
import { type UploadOptions, type UploadResult, uploadObject } from './resume/resumable-upload.ts'
import type { BodyInput } from './source/byte-source.ts'
import type { SizedInput } from './source/sized-source.ts'
import {
  type InitiateOptions,
  initiateMultipartUpload,
  resumeMultipartUpload,
} from './write/begin-multipart-upload.ts'
import { copyHeaders } from './write/copy-object.ts'
import type { MultipartUploadState } from './write/multipart-state.ts'
import { isNoSuchUpload, requireMultipart } from './write/multipart-transport.ts'
import type { MultipartUpload } from './write/multipart-upload.ts'
import type { PersistState } from './write/open-upload.ts'
import { type PutOptions, putObject } from './write/put-object.ts'
import type { PutResult } from './write/put-result.ts'
import type { UnverifiedUpload } from './write/unverified-upload.ts'

/**
 * What a bucket works on: single objects, and multipart uploads, listings, deletions, copies and presigned URLs where it
 * offers them; or presigned URLs alone. An operation that it does not offer is refused.
 */
export type BucketTransport = (ObjectTransport | (UrlTransport & Partial<ObjectTransport>)) &
  Partial<MultipartTransport & ObjectCatalog & UrlTransport>

/** How a bucket is built. Give either `keyring` or `provider`. */
export interface CryptoBucketOptions {
  /** Where the ciphertext goes. */
  readonly transport: BucketTransport
  /** The master keys: one that encrypts, any number that decrypt. */
  readonly keyring?: Keyring | undefined
  /** Short for a keyring of one. */
  readonly provider?: MasterKeyProvider | undefined
  /**
   * What to do with an object that carries no envelope. Default `reject`: else whoever can strip the metadata
   * could slip in content of their own as if it had been decrypted.
   */
  readonly onPlainObject?: PlainObjectPolicy | undefined
  readonly retry?: RetryOptions | undefined
  readonly logger?: Logger | undefined
}

/** What may go with a listing. */
export interface ListOptions extends BoundedCallOptions {
  readonly prefix?: string | undefined
  /** Folds the keys that share what stands before it, behind the prefix, into one entry. Usually `/`. */
  readonly delimiter?: string | undefined
  /** Only keys behind this one, in byte order. */
  readonly startAfter?: string | undefined
}

/** An object, or with a delimiter a common prefix. */
export type ListEntry =
  | ({ readonly type: 'object' } & ObjectSummary)
  | { readonly type: 'prefix'; readonly prefix: string }

/** What may go with a copy. */
export interface CopyOptions extends BoundedCallOptions {
  /** The source's bucket, when it is another one. */
  readonly sourceBucket?: string | undefined
  /** Conditions, ACL, storage class and other headers that leave the metadata alone. */
  readonly headers?: HeaderMap | undefined
}

/**
 * An OSS bucket whose objects are encrypted before they leave the machine: every `put` under a fresh content key
 * that the master key wraps, every `get` decrypted on the way in.
 *
 * Encryption is AES-256-CTR, which hides content and does not authenticate it: see docs/THREAT_MODEL.md.
 *
 * Each call takes a `signal` and a `deadlineMs`. It rejects with the signal's reason when that aborts, and with
 * `ERR_CSE_DEADLINE_EXCEEDED` when its deadline passes.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when the options contradict one another.
 *
 * @example
 * ```ts
 * const bucket = new CryptoBucket({ transport: new OssTransport({ client }), provider: new RsaProvider({ privateKey }) })
 * await bucket.put('report.pdf', createReadStream('report.pdf'))
 * const { body } = await bucket.get('report.pdf')
 * ```
 */
export class CryptoBucket {
  readonly #transport: BucketTransport
  readonly #context: BucketContext

  constructor(options: CryptoBucketOptions) {
    const { transport, keyring, provider, onPlainObject = 'reject', retry, logger } = options
    if ((keyring === undefined) === (provider === undefined)) {
      throw invalid('CryptoBucket: pass either keyring or provider, not both')
    }
    if (!hasObjects(transport) && !hasUrlsAlone(transport)) {
      throw invalid('CryptoBucket: transport must have put, get and head, or none of them and getByUrl')
    }
    if (onPlainObject !== 'reject' && onPlainObject !== 'passthrough') {
      throw invalid(
        `CryptoBucket: onPlainObject must be 'reject' or 'passthrough', not ${JSON.stringify(onPlainObject)}`,
      )
    }
    this.#transport = transport
    this.#context = {
      keyring: keyring ?? new Keyring({ encrypting: provider as MasterKeyProvider }),
      onPlainObject,
      retry: checkedRetryOptions(retry),
      logger,
      leftovers: new Leftovers(),
    }
  }

  /**
   * Encrypts and uploads one object, in one pass and constant memory. Bytes, texts, Blobs and sources that can be
   * opened again are retried, each time under a fresh content key; a stream is sent once.
   *
   * @param key - the object's key
   * @param body - see BodyInput; its length need not be known (up to 5 GB)
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` and `ERR_CSE_METADATA_TOO_LARGE` before any request;
   * `ERR_CSE_SOURCE` when the body fails; `ERR_CSE_INTEGRITY` when the service stored something else; what
   * provider and transport throw. Unless the service had already stored it, the object stays as it was.
   */
  async put(key: string, body: BodyInput, options: PutOptions = {}): Promise<PutResult> {
    checkKey(key)
    return withDeadline(options, key, (bounded) =>
      putObject(this.#context, this.#objects('put'), key, body, bounded),
    )
  }

  /**
   * Requests an object or a range of it, and decrypts it as it arrives: one request, no HEAD before it. An
   * interrupted read goes on where it stopped, as long as the object is the same.
   *
   * @throws CseError `ERR_CSE_NOT_FOUND`, `ERR_CSE_NOT_ENCRYPTED`, `ERR_CSE_ENVELOPE_DAMAGED`,
   * `ERR_CSE_NO_MATCHING_KEY`, `ERR_CSE_UNWRAP_FAILED`, `ERR_CSE_RANGE_NOT_SATISFIABLE` before any byte is
   * released; what comes later errors the body.
   */
  async get(key: string, options: GetOptions = {}): Promise<GetResult> {
    checkKey(key)
    return getObject(this.#context, this.#readerSource(key, options), key, options)
  }

  /**
   * Reads an object or a range of it into memory, whole and verified.
   *
   * @throws CseError as `get`, and `ERR_CSE_INTEGRITY` when checksum or length are wrong.
   */
  async getBytes(key: string, options: GetOptions = {}): Promise<Uint8Array> {
    const chunks: Uint8Array[] = []
    for await (const chunk of (await this.get(key, options)).body) chunks.push(chunk)
    return concatBytes(chunks)
  }

  /**
   * Reads an object through a presigned GET URL and decrypts it here. The URL's signature leaves no room for
   * further headers of the service, so none is sent.
   *
   * @throws CseError as `get`; `ERR_CSE_ACCESS_DENIED` when the URL has expired; `ERR_CSE_OPERATION_REFUSED` when the
   * transport has no `getByUrl`. No error names the URL.
   */
  async getByUrl(url: string | URL, options: Omit<GetOptions, 'versionId'> = {}): Promise<GetResult> {
    const parsed = parseUrl(url)
    const transport = this.#transport
    if (!hasUrls(transport)) {
      throw refusedOperation(
        'getByUrl',
        ': give it a FetchTransport of @oss-cse/transport-fetch, or an OssTransport of @oss-cse/transport-oss',
      )
    }
    const key = keyOfUrl(parsed)
    const request = async (headers: HeaderMap, signal: AbortSignal): Promise<GetObjectResponse> => {
      const response = await transport.getByUrl({ url: parsed, headers, signal })
      try {
        refuseLink(key, response.headers)
        return response
      } catch (error) {
        await closeIterator(response.body[Symbol.asyncIterator]())
        throw error
      }
    }
    const source = { request, ossHeaders: false, reference: { location: parsed.origin, key } }
    return getObject(this.#context, source, key, options)
  }

  /**
   * Opens an object to read several ranges of it, also at the same time: its key is unwrapped once, and every byte is
   * of the same state of the object.
   *
   * @throws CseError as `get`.
   *
   * @example
   * ```ts
   * const reader = await bucket.openObject('film.mp4')
   * for await (const chunk of reader.read({ start: 1_000_000, end: 1_999_999 })) process(chunk)
   * await reader.close()
   * ```
   */
  async openObject(key: string, options: OpenOptions = {}): Promise<ObjectReader> {
    checkKey(key)
    return withDeadline(options, key, (bounded) =>
      openObject(this.#context, this.#readerSource(key, bounded), key, bounded),
    )
  }

  /**
   * Downloads an object into a target, such as a file: in one request when it is small, else in parts, several at a
   * time. With a checkpoint store, what has come by the time of an interruption is not fetched again.
   *
   * @throws CseError as `get`; `ERR_CSE_INTEGRITY` when checksum or length are wrong; `ERR_CSE_PRECONDITION_FAILED` when
   * the object was replaced meanwhile and `onObjectChanged` is `fail`; `ERR_CSE_CHECKPOINT_IN_USE` when the same
   * download is under way elsewhere; and what the target throws.
   */
  async download(
    key: string,
    target: DownloadTarget,
    options: Omit<DownloadOptions, 'range'> = {},
  ): Promise<DownloadResult> {
    checkKey(key)
    const { location = '' } = this.#transport
    return withDeadline(options, key, (bounded) => {
      const source = this.#readerSource(key, bounded)
      return downloadObject({ context: this.#context, source, location }, key, target, bounded)
    })
  }

  /**
   * Encrypts and uploads a source of known length: in one put when it is small, else in parts, several at a time. With
   * a checkpoint store, what the service has by the time of an interruption is not sent again, as long as the source
   * is the same; when it changed, the upload begins anew under a new key.
   *
   * Each part under way is held in memory, up to 64 MiB together; further ones are read twice.
   *
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` and `ERR_CSE_METADATA_TOO_LARGE` before any request; `ERR_CSE_SOURCE`
   * when the source fails; `ERR_CSE_SOURCE_CHANGED` when it changes meanwhile; `ERR_CSE_INTEGRITY` when the service
   * stored something else; `ERR_CSE_CHECKPOINT_IN_USE` when the same upload is under way elsewhere; what provider and
   * transport throw. Unless the service had already stored it, the object stays as it was.
   */
  async upload(key: string, source: SizedInput, options: UploadOptions = {}): Promise<UploadResult> {
    checkKey(key)
    return withDeadline(options, key, (bounded) =>
      uploadObject(this.#context, this.#objects('put'), key, source, bounded),
    )
  }

  /**
   * Begins a multipart upload of one encrypted object, whose parts you send yourself.
   *
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` before any request, for a part size that is not valid (the message
   * names the nearest one that is) or an empty object; `ERR_CSE_METADATA_TOO_LARGE`; what provider and transport throw.
   */
  async initiateMultipartUpload(key: string, options: InitiateOptions): Promise<MultipartUpload> {
    checkKey(key)
    return withDeadline(options, key, (bounded) =>
      initiateMultipartUpload(
        this.#context,
        requireMultipart(this.#objects('multipart uploads')),
        key,
        bounded,
      ),
    )
  }

  /**
   * Resumes a multipart upload, from what its `toJSON` returned or its `persist` was given. Its `verifyParts` compares what
   * was sent with the source as it is now, and returns the upload that sends the rest.
   *
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when that is not the state of an upload; `ERR_CSE_CANNOT_UNWRAP` when the
   * master key is a public one alone, and the other failures of an unwrap.
   */
  async resumeMultipartUpload(
    state: MultipartUploadState,
    options: BoundedCallOptions & { readonly persist?: PersistState | undefined } = {},
  ): Promise<UnverifiedUpload> {
    return withDeadline(options, undefined, (bounded) =>
      resumeMultipartUpload(
        this.#context,
        requireMultipart(this.#objects('multipart uploads')),
        state,
        bounded,
      ),
    )
  }

  /**
   * Lists the bucket's multipart uploads that were neither completed nor aborted, encrypted or not.
   *
   * @throws CseError `ERR_CSE_SERVICE` for a listing that does not advance, or that has values that cannot be.
   */
  listUploads(
    options: BoundedCallOptions & { readonly prefix?: string | undefined } = {},
  ): AsyncGenerator<PendingUpload, void, undefined> {
    return eachWithDeadline(options, undefined, (bounded) => this.#listUploads(bounded))
  }

  async *#listUploads(
    options: CallOptions & { readonly prefix?: string | undefined },
  ): AsyncGenerator<PendingUpload, void, undefined> {
    const { prefix = '', signal } = options
    const pages = uploadPages((position) =>
      this.#send('listUploads', prefix, this.#transport.listUploads, { prefix, ...position, signal }),
    )
    for await (const { uploads } of pages) yield* uploads
  }

  /** Gives up a multipart upload that was left behind, and frees its parts. One that is gone counts as aborted. */
  async abortMultipartUpload(key: string, uploadId: string, options: BoundedCallOptions = {}): Promise<void> {
    checkKey(key)
    try {
      await withDeadline(options, key, ({ signal }) =>
        this.#send('abort', key, this.#transport.abort, { key, uploadId, signal }),
      )
    } catch (error) {
      if (!isNoSuchUpload(error)) throw error
    }
  }

  /**
   * Tells what the service knows about an object: sizes, metadata, how it is encrypted.
   *
   * @throws CseError `ERR_CSE_NOT_FOUND`; `ERR_CSE_ENVELOPE_DAMAGED`.
   */
  async head(key: string, options: HeadOptions = {}): Promise<HeadResult> {
    checkKey(key)
    const { headers } = await withDeadline(options, key, (bounded) => {
      const source = this.#readerSource(key, bounded, 'head')
      return this.#head(key, bounded, (headers) => source.head(headers))
    })
    const { totalBytes: sizeBytes } = sliceResponse(undefined, { status: 200, headers })
    try {
      return { ...describeObject(key, headers), sizeBytes }
    } catch (error) {
      throw aboutObject(error, key)
    }
  }

  /**
   * Tells whether an object exists, encrypted or not.
   *
   * @throws CseError `ERR_CSE_NOT_FOUND` when the bucket itself does not exist, and what the transport throws.
   */
  async exists(key: string, options: HeadOptions = {}): Promise<boolean> {
    checkKey(key)
    try {
      await withDeadline(options, key, (bounded) => {
        const { versionId, signal } = bounded
        const transport = this.#objects('head')
        return this.#head(key, bounded, (headers) => transport.head({ key, headers, versionId, signal }))
      })
      return true
    } catch (error) {
      const missing = CseError.isInstance(error) && error.code === 'ERR_CSE_NOT_FOUND'
      if (missing && !(TransportError.isInstance(error) && error.serviceCode === 'NoSuchBucket')) return false
      throw error
    }
  }

  /**
   * Lists objects in byte order of their keys, page by page as they are asked for.
   *
   * @throws CseError `ERR_CSE_SERVICE` for a listing that does not advance, or that has values that cannot be.
   */
  list(options: ListOptions = {}): AsyncGenerator<ListEntry, void, undefined> {
    return eachWithDeadline(options, undefined, (bounded) => this.#list(bounded))
  }

  async *#list(options: ListOptions): AsyncGenerator<ListEntry, void, undefined> {
    const pages = objectPages((continuationToken) =>
      this.#send('list', options.prefix ?? '', this.#transport.list, {
        ...options,
        maxKeys: MAX_PAGE_ENTRIES,
        continuationToken,
      }),
    )
    for await (const { prefixes, objects } of pages) {
      for (const prefix of prefixes) yield { type: 'prefix', prefix }
      for (const object of objects) yield { type: 'object', ...object }
    }
  }

  /** Deletes an object, or one version of it. One that does not exist counts as deleted. */
  async delete(
    key: string,
    options: BoundedCallOptions & { readonly versionId?: string | undefined } = {},
  ): Promise<void> {
    checkKey(key)
    await withDeadline(options, key, ({ versionId, signal }) =>
      this.#send('delete', key, this.#transport.delete, { key, versionId, signal }),
    )
  }

  /**
   * Deletes any number of objects, a thousand to a request.
   *
   * @returns those of the keys whose deletion the service reports
   */
  async deleteMany(keys: Iterable<string>, options: BoundedCallOptions = {}): Promise<readonly string[]> {
    const all = [...keys]
    for (const key of all) checkKey(key)
    return withDeadline(options, undefined, async ({ signal }) => {
      const deleted: string[] = []
      for (let start = 0; start < all.length; start += MAX_DELETED_KEYS) {
        const batch = all.slice(start, start + MAX_DELETED_KEYS)
        const request = { keys: batch, signal }
        const reported = await this.#send('deleteMany', batch[0] ?? '', this.#transport.deleteMany, request)
        const known = new Set(reported)
        for (const key of batch) if (known.has(key)) deleted.push(key)
      }
      return deleted
    })
  }

  /**
   * Copies an object on the server, envelope and metadata included: the copy is read with the same master key.
   *
   * @throws CseError `ERR_CSE_OPERATION_REFUSED` for headers that would replace the metadata, because the service
   * does not let an envelope be changed.
   */
  async copy(sourceKey: string, key: string, options: CopyOptions = {}): Promise<void> {
    checkKey(sourceKey)
    checkKey(key)
    const { sourceBucket } = options
    const headers = copyHeaders(options.headers)
    await withDeadline(options, key, ({ signal }) =>
      this.#send('copy', key, this.#transport.copy, { sourceKey, key, headers, sourceBucket, signal }),
    )
  }

  /**
   * Waits until nothing is left to be undone on the service. An aborted call rejects at once; an upload that it has begun
   * is aborted in the background, which takes a few seconds at most and keeps the process alive no longer than that. Wait
   * for it before `process.exit()`.
   */
  async settled(): Promise<void> {
    await this.#context.leftovers.settled()
  }

  #head(
    key: string,
    options: HeadOptions,
    send: (headers: HeaderMap) => Promise<HeadObjectResponse>,
  ): Promise<HeadObjectResponse> {
    const headers = { ...callerHeaders(options.headers), 'accept-encoding': 'identity' }
    const { retry, logger } = this.#context
    const { signal } = options
    return withRetries(() => send(headers), { operation: 'head', key, retry, logger, signal })
  }

  /** Where an object, or the target of a link, is read from. */
  #readerSource(
    key: string,
    { versionId, signal }: Pick<OpenOptions, 'versionId' | 'signal'>,
    operation = 'get',
  ): ReaderSource {
    const linked = new LinkedObject(this.#objects(operation), key, versionId)
    return {
      ossHeaders: true,
      get reference() {
        return linked.reference
      },
      forgetLink: () => linked.forget(),
      request: (headers, signal) => linked.get(headers, signal),
      head: (headers) => linked.head(headers, signal),
    }
  }

  /** The transport, when it has more than URLs. */
  #objects(operation: string): ObjectTransport & Partial<MultipartTransport> {
    if (hasObjects(this.#transport)) return this.#transport
    throw refusedOperation(operation)
  }

  /** Sends a request that may be sent again, through one of the transport's operations, when it has it. */
  async #send<Request extends CallOptions, Response>(
    operation: RetryEvent['operation'],
    key: string,
    call: ((request: Request) => Promise<Response>) | undefined,
    request: Request,
  ): Promise<Response> {
    if (typeof call !== 'function') throw refusedOperation(operation)
    const { retry, logger } = this.#context
    const { signal } = request
    return withRetries(() => call.call(this.#transport, request), { operation, key, retry, logger, signal })
  }
}

function hasObjects(
  transport: BucketTransport | undefined,
): transport is ObjectTransport & Partial<MultipartTransport & ObjectCatalog & UrlTransport> {
  const { put, get, head } = transport ?? {}
  return [put, get, head].every((call) => typeof call === 'function')
}

function hasUrls(transport: BucketTransport | undefined): transport is BucketTransport & UrlTransport {
  return typeof transport?.getByUrl === 'function'
}

/** Half an ObjectTransport is a mistake, also where it has URLs. */
function hasUrlsAlone(transport: BucketTransport | undefined): boolean {
  const { put, get, head } = transport ?? {}
  return hasUrls(transport) && [put, get, head].every((call) => call === undefined)
}

/** @param remedy - what to do about it, as the end of the sentence */
function refusedOperation(operation: string, remedy = ''): CseError {
  return new CseError(
    'ERR_CSE_OPERATION_REFUSED',
    `The transport of this bucket has no ${operation}${remedy}.`,
  )
}

function checkKey(key: string): void {
  if (typeof key !== 'string' || key === '') throw invalid('An object key must be a string that is not empty')
}

function parseUrl(url: string | URL): URL {
  let parsed: URL | undefined
  try {
    parsed = new URL(url)
  } catch {
    // Not named in the error: it may hold a signature.
  }
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol)) {
    throw invalid('A presigned URL must start with https:// or http://')
  }
  if (parsed.searchParams.has(OSS_HEADERS.process)) refuseProcessing()
  return parsed
}

/** What errors and results call the object of a URL. */
function keyOfUrl({ pathname }: URL): string {
  try {
    return decodeURIComponent(pathname.slice(1))
  } catch {
    return pathname.slice(1)
  }
}

function invalid(why: string): CseError {
  return new CseError('ERR_CSE_INVALID_ARGUMENT', `${why}.`)
}
