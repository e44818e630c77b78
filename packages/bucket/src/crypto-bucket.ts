import {
  type BoundedCallOptions,
  type CallOptions,
  type ContentFormat,
  CseError,
  type GetObjectResponse,
  type HeaderMap,
  type Keyring,
  type MultipartTransport,
  type ObjectCatalog,
  type ObjectSummary,
  type ObjectTransport,
  OSS_HEADERS,
  type PendingUpload,
  TransportError,
  type UrlTransport,
} from '@oss-cse/crypto-core'
import {
  checkedPresignedUrl,
  eachWithDeadline,
  MAX_DELETED_KEYS,
  MAX_PAGE_ENTRIES,
  withDeadline,
} from '@oss-cse/crypto-core/internal'
import { runtimeWorkers } from './cipher/runtime-workers.ts'
import { withObjectKey } from './policy/about-object.ts'
import type { BucketContext } from './policy/bucket-context.ts'
import { checkKey } from './policy/check-key.ts'
import { Leftovers } from './policy/leftovers.ts'
import { objectPages, uploadPages } from './policy/listed-pages.ts'
import { checkedReadContext, type ReadOptions } from './policy/read-options.ts'
import { refuseProcessing } from './policy/request-headers.ts'
import { type RetryEvent, withRetries } from './policy/retry.ts'
import { type GetOptions, type GetResult, getObject, getObjectBytes } from './read/get-object.ts'
import { type HeadOptions, type HeadResult, headObject, requestHead } from './read/head-object.ts'
import { refuseLink } from './read/linked-object.ts'
import { type ObjectReader, type OpenOptions, openObject, type ReaderSource } from './read/object-reader.ts'
import { readerSource } from './read/reader-source.ts'
import { type VerifiedObject, type VerifyObjectOptions, verifyObject } from './read/verify-object.ts'
import { closeIterator } from './requests/resumed-read.ts'
import {
  type DownloadOptions,
  type DownloadResult,
  type DownloadTarget,
  downloadObject,
} from './resume/resumable-download.ts'
import { type UploadOptions, type UploadResult, uploadObject } from './resume/resumable-upload.ts'
import { type BodyInput, byteSource } from './source/byte-source.ts'
import type { SizedInput } from './source/sized-source.ts'
import {
  type InitiateOptions,
  initiateMultipartUpload,
  type ResumeOptions,
  resumeMultipartUpload,
} from './write/begin-multipart-upload.ts'
import { copyHeaders } from './write/copy-object.ts'
import type { MultipartUploadState } from './write/multipart-state.ts'
import { isNoSuchUpload, requireMultipart } from './write/multipart-transport.ts'
import type { MultipartUpload } from './write/multipart-upload.ts'
import { type PutOptions, putObject } from './write/put-object.ts'
import type { PutResult } from './write/put-result.ts'
import type { UnverifiedUpload } from './write/unverified-upload.ts'

/**
 * The transport of a bucket. It has `put`, `get` and `head`, or `getByUrl` alone, or both. Multipart uploads, listings,
 * deletions and copies are optional. The bucket throws for an operation that its transport does not have.
 */
export type BucketTransport = (ObjectTransport | (UrlTransport & Partial<ObjectTransport>)) &
  Partial<MultipartTransport & ObjectCatalog & UrlTransport>

/** Options of a bucket. Pass either `keyring` or `provider`. */
export interface CryptoBucketOptions extends ReadOptions {
  /** Stores and returns the ciphertext. */
  readonly transport: BucketTransport
  /**
   * How the content of new objects is encrypted. `aes-ctr`, the default unless `accept` is `sealed` or the encrypting
   * key is sealed-only: the format of the official SDKs. `sealed`: so that nobody can alter it unnoticed; only oss-cse and Tink read it. Experimental.
   */
  readonly format?: ContentFormat | undefined
  /**
   * The most worker threads that transfers of large files use, in Node.js. A worker reads or writes the file, encrypts or
   * decrypts, and sends the requests itself if the transport allows it. All buckets of the process share the workers.
   * 0: none, so that everything happens in the calling thread. Default: one less than there are cores. In a browser, one
   * worker encrypts the parts of Blobs, unless it is 0.
   */
  readonly fileWorkers?: number | undefined
}

/** Options of a listing. */
export interface ListOptions extends BoundedCallOptions {
  readonly prefix?: string | undefined
  /** Groups the keys that have the same text between the prefix and the first delimiter into one entry. Usually `/`. */
  readonly delimiter?: string | undefined
  /** Lists only keys after this one, in byte order. */
  readonly startAfter?: string | undefined
}

/** An object or, with a delimiter, a common prefix. */
export type ListEntry =
  | ({ readonly type: 'object' } & ObjectSummary)
  | { readonly type: 'prefix'; readonly prefix: string }

/** Options of a copy. */
export interface CopyOptions extends BoundedCallOptions {
  /** The bucket of the source, if it is another one. */
  readonly sourceBucket?: string | undefined
  /** Conditions, ACL, storage class and other headers that do not change the metadata. */
  readonly headers?: HeaderMap | undefined
}

/**
 * An OSS bucket with client-side encryption. Each `put` encrypts under a new content key, which the master key wraps.
 * Each `get` decrypts.
 *
 * Encryption is AES-256-CTR. It keeps content secret and does not authenticate it: see docs/THREAT_MODEL.md.
 *
 * Each call takes a `signal` and a `deadlineMs`. It rejects with the signal's reason when the signal aborts, and with
 * `ERR_CSE_DEADLINE_EXCEEDED` when the deadline passes.
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
    const { transport, fileWorkers } = options
    const context = checkedReadContext('CryptoBucket', options)
    const { keyring, onPlainObject } = context
    if (!hasObjects(transport) && !hasUrlsAlone(transport)) {
      throw invalid('CryptoBucket: transport must have put, get and head, or only getByUrl')
    }
    if (fileWorkers !== undefined && !(Number.isInteger(fileWorkers) && fileWorkers >= 0)) {
      throw invalid(`CryptoBucket: fileWorkers must be a whole number from 0, not ${fileWorkers}`)
    }
    const format = writtenFormat(options, keyring)
    // The last check: a bucket that cannot be built leaves the keyring as it was.
    if (onPlainObject === 'passthrough') keyring.allowPlainObjects()
    this.#transport = transport
    this.#context = {
      ...context,
      format,
      leftovers: new Leftovers(),
      fileWorkers: runtimeWorkers(fileWorkers),
    }
  }

  /** How this bucket encrypts the content of new objects. */
  get format(): ContentFormat {
    return this.#context.format
  }

  /**
   * Encrypts and uploads one object in one pass, with constant memory. Bytes, text, Blobs and reopenable sources are
   * retried, each time under a new content key. A stream is sent once.
   *
   * @param key - the object's key
   * @param body - see BodyInput; its length may be unknown; at most 5 GB
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` and `ERR_CSE_METADATA_TOO_LARGE` before any request; `ERR_CSE_SOURCE`
   * when the body fails; `ERR_CSE_INTEGRITY` when the service stored other bytes; what the provider and the transport
   * throw. The object stays unchanged, unless the service had already stored the new one.
   */
  async put(key: string, body: BodyInput, options: PutOptions = {}): Promise<PutResult> {
    const source = byteSource(body, options.sizeBytes)
    try {
      checkKey(key)
      return await withDeadline(options, key, (bounded) =>
        putObject(this.#context, this.#objects('put'), key, source, bounded),
      )
    } catch (error) {
      await source.discard?.().catch(() => {})
      throw error
    }
  }

  /**
   * Requests an object or a range of it, and decrypts it as it arrives. Sends one request, without a HEAD before it. An
   * interrupted read resumes at the same byte, as long as the object is the same.
   *
   * @throws CseError before any byte is released: `ERR_CSE_NOT_FOUND`, `ERR_CSE_NOT_ENCRYPTED`,
   * `ERR_CSE_ENVELOPE_DAMAGED`, `ERR_CSE_NO_MATCHING_KEY`, `ERR_CSE_UNWRAP_FAILED`, `ERR_CSE_RANGE_NOT_SATISFIABLE`.
   * Later failures error the body.
   */
  async get(key: string, options: GetOptions = {}): Promise<GetResult> {
    checkKey(key)
    return getObject(this.#context, this.#readerSource(key, options), key, options)
  }

  /**
   * Reads an object or a range of it into memory. Resolves only when all bytes are there and verified.
   *
   * @throws CseError as `get`, and `ERR_CSE_INTEGRITY` when the checksum or the length is wrong.
   */
  async getBytes(key: string, options: GetOptions = {}): Promise<Uint8Array> {
    checkKey(key)
    return getObjectBytes(this.#context, this.#readerSource(key, options), key, options)
  }

  /**
   * Reads an object through a presigned GET URL and decrypts it locally. Adds no `x-oss-` headers, because they would
   * invalidate the signature of the URL.
   *
   * @throws CseError as `get`; `ERR_CSE_ACCESS_DENIED` when the URL has expired; `ERR_CSE_OPERATION_REFUSED` when the
   * transport has no `getByUrl`. No error contains the URL.
   */
  async getByUrl(url: string | URL, options: Omit<GetOptions, 'versionId'> = {}): Promise<GetResult> {
    const parsed = parseUrl(url)
    const transport = this.#transport
    if (!hasUrls(transport)) {
      throw refusedOperation(
        'getByUrl',
        ': use FetchUrlTransport of @oss-cse/transport-fetch, or OssTransport of @oss-cse/transport-oss',
      )
    }
    const key = keyOfUrl(parsed)
    const request = async (headers: HeaderMap, signal: AbortSignal): Promise<GetObjectResponse> => {
      const response = await transport.getByUrl({ url: parsed, headers, signal }).catch((error: unknown) => {
        throw withObjectKey(error, key)
      })
      try {
        refuseLink(key, response.headers)
        return response
      } catch (error) {
        await closeIterator(response.body[Symbol.asyncIterator]())
        throw error
      }
    }
    const versionId = parsed.searchParams.get('versionId') ?? undefined
    const source = { request, ossHeaders: false, reference: { location: parsed.origin, key, versionId } }
    return getObject(this.#context, source, key, options)
  }

  /**
   * Reads a whole object, checks all that `get` checks, and writes nothing: every byte and the end of a sealed object; of any
   * other one the service's CRC-64 and the recorded length. Uses constant memory. An interrupted read resumes at the same
   * byte.
   *
   * @returns what was verified, and what `get` returns about the object
   * @throws CseError as `get`; `ERR_CSE_AUTHENTICATION_FAILED`, with the `byteRange` at fault, when the content of a sealed
   * object is not authentic; `ERR_CSE_INTEGRITY` when the checksum or the length of another one is wrong.
   *
   * @example
   * ```ts
   * const { sizeBytes, verification } = await bucket.verify('backups/db.tar')
   * ```
   */
  async verify(key: string, options: VerifyObjectOptions = {}): Promise<VerifiedObject> {
    checkKey(key)
    return verifyObject(this.#context, this.#readerSource(key, options), key, options)
  }

  /**
   * Opens an object to read several ranges of it, also in parallel. Its key is unwrapped once. All bytes come from the
   * same state of the object.
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
   * Downloads an object into a target, such as a file. A small object takes one request. A large one is downloaded in
   * parts, several in parallel. With a checkpoint store, a later call resumes an interrupted download and does not
   * fetch finished parts again.
   *
   * @throws CseError as `get`; `ERR_CSE_INTEGRITY` when the checksum or the length is wrong;
   * `ERR_CSE_PRECONDITION_FAILED` when the object is replaced during the download and `onObjectChanged` is `fail`;
   * `ERR_CSE_CHECKPOINT_IN_USE` when the same download is running elsewhere; and what the target throws.
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
   * Encrypts and uploads a source of known length. A small source takes one put. A large one is uploaded in parts,
   * several in parallel. With a checkpoint store, a later call resumes an interrupted upload and does not send finished
   * parts again, as long as the source is the same. If the source changed, the upload restarts under a new key.
   *
   * The parts that are being sent are held in memory, up to 64 MiB together. Further parts are read twice instead.
   *
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` and `ERR_CSE_METADATA_TOO_LARGE` before any request; `ERR_CSE_SOURCE`
   * when the source fails; `ERR_CSE_SOURCE_CHANGED` when it changes during the upload; `ERR_CSE_INTEGRITY` when the
   * service stored other bytes; `ERR_CSE_CHECKPOINT_IN_USE` when the same upload is running elsewhere; what the
   * provider and the transport throw. The object stays unchanged, unless the service had already stored the new one.
   */
  async upload(key: string, source: SizedInput, options: UploadOptions = {}): Promise<UploadResult> {
    checkKey(key)
    return withDeadline(options, key, (bounded) =>
      uploadObject(this.#context, this.#objects('put'), key, source, bounded),
    )
  }

  /**
   * Starts a multipart upload of one encrypted object. You send the parts yourself.
   *
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` before any request, for an invalid part size (the message names the
   * nearest valid one) or an empty object; `ERR_CSE_METADATA_TOO_LARGE`; what the provider and the transport throw.
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
   * Resumes a multipart upload from a state that its `toJSON` returned or that its `persist` received. The
   * `verifyParts` of the result compares the sent parts with the current source, and returns an upload that sends the
   * missing parts.
   *
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when the state is invalid; `ERR_CSE_CANNOT_UNWRAP` when the master key
   * is only a public key; and the other failures of an unwrap.
   */
  async resumeMultipartUpload(
    state: MultipartUploadState,
    options: ResumeOptions = {},
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
   * @throws CseError `ERR_CSE_SERVICE` for a listing that does not advance or that has invalid values.
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

  /**
   * Aborts a multipart upload that was left behind, and frees its parts. Succeeds if the upload is already gone.
   */
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
   * Returns what the service knows about an object: its size, its metadata and how it is encrypted.
   *
   * @throws CseError `ERR_CSE_NOT_FOUND`; `ERR_CSE_ENVELOPE_DAMAGED`.
   */
  async head(key: string, options: HeadOptions = {}): Promise<HeadResult> {
    checkKey(key)
    return headObject(this.#context, this.#objects('head'), key, options)
  }

  /**
   * Returns whether an object exists, encrypted or not.
   *
   * @throws CseError `ERR_CSE_NOT_FOUND` when the bucket itself does not exist, and what the transport throws.
   */
  async exists(key: string, options: HeadOptions = {}): Promise<boolean> {
    checkKey(key)
    try {
      await withDeadline(options, key, (bounded) => {
        const { versionId, signal } = bounded
        const transport = this.#objects('head')
        return requestHead(this.#context, key, bounded, (headers) =>
          transport.head({ key, headers, versionId, signal }),
        )
      })
      return true
    } catch (error) {
      const missing = CseError.isInstance(error) && error.code === 'ERR_CSE_NOT_FOUND'
      if (missing && !(TransportError.isInstance(error) && error.serviceCode === 'NoSuchBucket')) return false
      throw error
    }
  }

  /**
   * Lists objects in byte order of their keys. Requests a page only when you need it.
   *
   * @throws CseError `ERR_CSE_SERVICE` for a listing that does not advance or that has invalid values.
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

  /** Deletes an object, or one version of it. Succeeds if there is no such object. */
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
   * Deletes any number of objects, 1,000 per request.
   *
   * @returns the given keys whose deletion the service reports
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
   * Copies an object on the server, with its envelope and metadata. The same master key decrypts the copy.
   *
   * @throws CseError `ERR_CSE_OPERATION_REFUSED` for headers that would replace the metadata, because the service does
   * not allow changes to an envelope; and where the bucket's `context` differs for the two keys, because nobody could read a
   * sealed copy.
   */
  async copy(sourceKey: string, key: string, options: CopyOptions = {}): Promise<void> {
    checkKey(sourceKey)
    checkKey(key)
    const { sourceBucket } = options
    const headers = copyHeaders(options.headers)
    const { sealedContext } = this.#context
    if (sealedContext !== undefined && sealedContext(sourceKey) !== sealedContext(key)) {
      throw new CseError(
        'ERR_CSE_OPERATION_REFUSED',
        `${key} cannot be a copy of ${sourceKey}: the two have different contexts. Read the object, and put it under its new key.`,
        { objectKey: key },
      )
    }
    await withDeadline(options, key, ({ signal }) =>
      this.#send('copy', key, this.#transport.copy, { sourceKey, key, headers, sourceBucket, signal }),
    )
  }

  /**
   * Waits until all cleanup on the service has ended. An aborted call rejects at once, and an upload that it started is
   * aborted in the background. That takes a few seconds at most, and does not keep the process alive longer. Call this
   * before `process.exit()`.
   */
  async settled(): Promise<void> {
    await this.#context.leftovers.settled()
  }

  #readerSource(key: string, options: Pick<OpenOptions, 'versionId' | 'signal'>): ReaderSource {
    return readerSource(this.#objects('get'), key, options)
  }

  /** Returns the transport if it has more than URLs. */
  #objects(operation: string): ObjectTransport & Partial<MultipartTransport> {
    if (hasObjects(this.#transport)) return this.#transport
    throw refusedOperation(operation)
  }

  /** Sends a repeatable request through one of the transport's operations, if the transport has it. */
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

/** A transport with only some of `put`, `get` and `head` is a mistake, even if it has URLs. */
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

/** The format of new objects, which must be one that the bucket reads and the key allows. */
function writtenFormat(
  { format, accept }: Pick<CryptoBucketOptions, 'format' | 'accept'>,
  keys: Keyring,
): ContentFormat {
  const sealedOnlyKey = keys.isSealedOnly(keys.encrypting)
  const written = format ?? (accept === 'sealed' || sealedOnlyKey ? 'sealed' : 'aes-ctr')
  if (written !== 'aes-ctr' && written !== 'sealed') {
    throw invalid(`CryptoBucket: format must be 'aes-ctr' or 'sealed', not ${JSON.stringify(written)}`)
  }
  if (written !== 'sealed' && (accept === 'sealed' || sealedOnlyKey)) {
    const why = accept === 'sealed' ? "accept: 'sealed'" : 'an encrypting master key that is sealed-only'
    throw invalid(`CryptoBucket: with ${why}, format must be 'sealed': it could not read what it writes`)
  }
  if (written === 'sealed' && keys.encrypting.envelopeVersion === 1) {
    throw invalid('CryptoBucket: the encrypting master key writes V1 envelopes, which have no sealed objects')
  }
  return written
}

function parseUrl(url: string | URL): URL {
  const parsed = checkedPresignedUrl(url)
  if (parsed.searchParams.has(OSS_HEADERS.process)) refuseProcessing()
  return parsed
}

/** The name of a URL's object in errors and results. */
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
