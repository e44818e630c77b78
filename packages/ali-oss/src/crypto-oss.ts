import { stat } from 'node:fs/promises'
import type { CryptoBucket, PutResult } from '@oss-cse/bucket'
import { downloadFile, putFile, replaceFile } from '@oss-cse/bucket/node'
import type OSS from 'ali-oss'
import type { StatusResult, VersionedOptions } from './ali-oss-gaps.ts'
import { type AliOssInternals, copyOf, internalsOf } from './ali-oss-internals.ts'
import { type AliOssResponse, callbackAnswer } from './ali-oss-response.ts'
import { type CryptoOSSOptions, type EncryptionOptions, splitOptions } from './crypto-oss-options.ts'
import {
  type MultipartUploadOptions,
  type MultipartUploadResult,
  multipartUpload,
} from './multipart-upload.ts'
import { type GetObjectResult, type GetStreamResult, type GetTarget, ObjectRead } from './object-read.ts'
import { type BegunUpload, OpenUploads } from './open-uploads.ts'
import { RefusingOSS } from './refusing-oss.ts'
import {
  type CallOptions,
  completionHeaders,
  getOptions,
  type HeadOptions,
  headOptions,
  invalid,
  objectOptions,
  type PutOptions,
  type ReadOptions,
} from './request-options.ts'
import { ServiceCall, type UploadListener } from './service-call.ts'
import { closeBody, type FileInput, partBody, uploadBody } from './upload-body.ts'

/** What came of an upload. */
export interface PutObjectResult {
  readonly name: string
  readonly url: string
  /** What your server answered to the callback, when there was one. */
  readonly data: object
  readonly res: AliOssResponse
}

/** What an object's headers say. */
export interface HeadObjectResult {
  /** 200, or 304 when the object is not modified. */
  readonly status: number
  /** User metadata, the envelope left out; `null` when there is none. */
  readonly meta: OSS.UserMeta
  readonly res: AliOssResponse
}

/** What may go with the beginning of a multipart upload. */
export interface InitMultipartUploadOptions extends PutOptions {
  /** The object's length in bytes. The service must know it before the first part. */
  readonly dataSize: number
  /** The length in bytes of each part but the last: a multiple of 16, at least 100 KiB, for no more than 10,000 parts. */
  readonly partSize: number
}

/** A multipart upload that was begun. */
export interface InitMultipartUploadResult {
  readonly res: AliOssResponse
  readonly bucket: string
  readonly name: string
  readonly uploadId: string
}

/** A part that was stored. */
export interface UploadPartResult {
  readonly name: string
  /** The ciphertext's. */
  readonly etag: string
  readonly res: AliOssResponse
}

/**
 * An `OSS` of ali-oss whose objects are encrypted before they leave the machine. Every method has the name, the arguments
 * and the results that it has in ali-oss; docs/ALI_OSS_METHODS.md says of each one whether it encrypts, is passed through,
 * or is refused.
 *
 * Errors of the service and the network are those of ali-oss (`name`, `code`, `status`). Refusals, and failures of the
 * encryption, are `CseError`s with a code that begins with `ERR_CSE_`.
 *
 * Encryption is AES-256-CTR, which hides content and does not authenticate it: see docs/THREAT_MODEL.md.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when the options contradict one another.
 *
 * @example
 * ```ts
 * const client = new CryptoOSS({ region, accessKeyId, accessKeySecret, bucket, provider: new RsaProvider({ privateKey }) })
 * await client.put('report.pdf', '/home/me/report.pdf')
 * const { content } = await client.get('report.pdf')
 * ```
 */
export class CryptoOSS extends RefusingOSS {
  readonly #encryption: EncryptionOptions
  readonly #uploads = new OpenUploads()

  constructor(options: CryptoOSSOptions) {
    const { ossOptions, encryption, presignedUploads } = splitOptions(options)
    super(ossOptions, presignedUploads)
    this.#encryption = encryption
    // Options that contradict one another fail here, whatever bucket is used later.
    const state = this.#internals.options
    const anyBucket = { options: { value: { ...state, bucket: state.bucket ?? 'any-bucket' } } }
    new ServiceCall(Object.create(this.#internals, anyBucket), encryption)
  }

  /**
   * Encrypts and uploads an object in one request.
   *
   * @param name - the object's key
   * @param file - the path of a file, a Buffer or other bytes, a Blob, or a stream
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` and `ERR_CSE_METADATA_TOO_LARGE` before any request; `ERR_CSE_SOURCE`
   * when the stream fails, `ERR_CSE_SOURCE_CHANGED` when the file changes meanwhile; `ERR_CSE_INTEGRITY` when the service
   * stored something else; what the master key's provider throws.
   */
  override async put(name: string, file: FileInput, options?: PutOptions | null): Promise<PutObjectResult> {
    return this.#put(name, file, options ?? {})
  }

  /**
   * Encrypts and uploads a stream in one request, of at most 5 GB. Nothing of it is kept, so it is sent once.
   *
   * @throws CseError as `put`.
   */
  override async putStream(
    name: string,
    stream: Exclude<FileInput, string>,
    options?: PutOptions | null,
  ): Promise<PutObjectResult> {
    if (typeof stream === 'string') throw invalid('putStream takes a stream. The path of a file goes to put')
    return this.#put(name, stream, options ?? {})
  }

  /**
   * Downloads and decrypts an object, or a range of it by a `Range` header, in one request.
   *
   * @param target - the path of a file, which is replaced as a whole when everything has come; a stream; or nothing: then
   * the whole object is held in memory, as `content`
   * @throws CseError `ERR_CSE_NOT_ENCRYPTED`, `ERR_CSE_ENVELOPE_DAMAGED`, `ERR_CSE_NO_MATCHING_KEY`,
   * `ERR_CSE_UNWRAP_FAILED` before a byte is handed out; `ERR_CSE_INTEGRITY` when checksum or length are wrong;
   * `ERR_CSE_OPERATION_REFUSED` for `process`.
   */
  override async get(
    name: string,
    target?: GetTarget | ReadOptions,
    options?: ReadOptions | null,
  ): Promise<GetObjectResult> {
    const [to, how] = isTarget(target) ? [target, options] : [undefined, target ?? options]
    return this.#read(name, how ?? {}).to(to)
  }

  /**
   * Opens an object, or a range of it, and decrypts it as it is read.
   *
   * @throws CseError as `get`; what goes wrong later fails the stream.
   */
  override async getStream(name: string, options?: ReadOptions | null): Promise<GetStreamResult> {
    return this.#read(name, options ?? {}).stream()
  }

  /**
   * As `get`, through a URL of `signatureUrl`: the URL gives ciphertext, which is decrypted here.
   *
   * @throws CseError as `get`, also for what the service answers, which is not asked through ali-oss. No error names the
   * URL.
   */
  async getByUrl(
    url: string | URL,
    target?: GetTarget | ReadOptions,
    options?: ReadOptions | null,
  ): Promise<GetObjectResult> {
    const [to, how] = isTarget(target) ? [target, options] : [undefined, target ?? options]
    return this.#readUrl(url, how ?? {}).to(to)
  }

  /**
   * As `getStream`, through a URL of `signatureUrl`.
   *
   * @throws CseError as `getByUrl`.
   */
  async getStreamByUrl(url: string | URL, options?: ReadOptions | null): Promise<GetStreamResult> {
    return this.#readUrl(url, options ?? {}).stream()
  }

  /**
   * Tells what the service knows about an object: of its metadata what is yours, and its length, which is that of the
   * plaintext.
   *
   * @throws CseError `ERR_CSE_ENVELOPE_DAMAGED`.
   */
  override async head(name: string, options?: HeadOptions | null): Promise<HeadObjectResult> {
    const how = options ?? {}
    const call = this.#call(how)
    const key = call.key(name)
    const { headers, versionId, signal } = headOptions(how)
    try {
      const result = await call.bucket.head(key, { headers, versionId, signal })
      const meta = Object.keys(result.metadata).length > 0 ? result.metadata : null
      // Typed as in ali-oss, whose types know neither an object without metadata nor one without these two.
      return {
        status: 200,
        meta: meta as unknown as OSS.UserMeta,
        res: call.response(key, { headers: result.headers }),
      }
    } catch (error) {
      const res = call.notModified(key, error)
      if (res === undefined) throw call.explained(error)
      return { status: res.status, meta: null as unknown as OSS.UserMeta, res }
    }
  }

  /** Tells an object's length, which is that of the plaintext, its ETag and when it was stored. */
  override async getObjectMeta(name: string, options?: VersionedOptions | null): Promise<StatusResult> {
    return super.getObjectMeta(name, copyOf(options))
  }

  /**
   * Encrypts and uploads a file, or content in memory, in parts, several at a time; what is smaller than 100 KiB in one
   * request. With `progress`, an upload that was interrupted goes on when it is called again with the last `checkpoint`,
   * and sends only what is missing. A file that changed meanwhile goes up anew, under a new key.
   *
   * @param file - the path of a file, or a Buffer
   * @throws CseError as `put`; an Error named `cancel` or `abort` when somebody stopped the upload.
   */
  override async multipartUpload(
    name: string,
    file: string | Uint8Array | null | undefined,
    options?: MultipartUploadOptions | null,
  ): Promise<MultipartUploadResult> {
    this.resetCancelFlag()
    const how = options ?? {}
    return this.#uploads.run(how.signal, (running) =>
      multipartUpload((listener) => this.#call(how, listener), running, name, file, how),
    )
  }

  /**
   * Begins a multipart upload whose parts you send yourself, from this process: their key is kept in memory until the
   * upload is completed or aborted.
   *
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` before any request without `dataSize` and `partSize`, or with a part size
   * that cannot be: the message names the nearest one.
   */
  override initMultipartUpload(
    name: string,
    options: InitMultipartUploadOptions,
  ): Promise<InitMultipartUploadResult>
  /** @deprecated Refused without `dataSize` and `partSize`. */
  override initMultipartUpload(name: string, options?: OSS.InitMultipartUploadOptions): Promise<never>
  override async initMultipartUpload(
    name: string,
    options?: Partial<InitMultipartUploadOptions> | null,
  ): Promise<InitMultipartUploadResult> {
    const { dataSize, partSize, signal } = options ?? {}
    if (!options || typeof dataSize !== 'number' || typeof partSize !== 'number') {
      throw invalid(
        'initMultipartUpload needs `dataSize` and `partSize`: the service must know both beforehand',
      )
    }
    const parts: BegunUpload['parts'] = new Map()
    let res: AliOssResponse | undefined
    const call = this.#call(options, {
      initiated(_uploadId, response) {
        res = response
      },
      uploaded(part, response) {
        parts.set(part.partNumber, { part, response })
      },
    })
    const key = call.key(name)
    const { sizeBytes: _, ...object } = objectOptions(options)
    const upload = await call.run((bucket) =>
      bucket.initiateMultipartUpload(key, {
        ...object,
        dataSizeBytes: dataSize,
        partSizeBytes: partSize,
        signal,
      }),
    )
    this.#uploads.begin({ call, upload, parts })
    return { res: res as AliOssResponse, bucket: call.bucketName, name: key, uploadId: upload.uploadId }
  }

  /**
   * Encrypts and sends one part of an upload that this client began, in any order, several at a time, and again. The
   * timeout is that of the upload.
   *
   * @param file - the path of the whole file, all its bytes, or a stream of the part alone
   * @param start - where the part begins in the file, in bytes
   * @param end - where it ends: the byte behind its last one
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` before any request for a part that does not have the planned length, or an
   * upload that this client did not begin; `ERR_CSE_SOURCE_CHANGED` for other bytes than were sent under the number before.
   */
  override async uploadPart(
    name: string,
    uploadId: string,
    partNo: number,
    file: FileInput,
    start: number,
    end: number,
    options?: CallOptions | null,
  ): Promise<UploadPartResult> {
    const { call, upload, parts } = this.#uploads.begun(this.#internals._objectName(name), uploadId)
    const { signal } = options ?? {}
    const body = partBody(file, start, end)
    const { etag } = await call
      .run(() => upload.uploadPart(partNo, body, { signal }))
      .finally(() => closeBody(body))
    return { name, etag, res: parts.get(partNo)?.response as AliOssResponse }
  }

  /**
   * Makes the object out of its parts.
   *
   * @param parts - all of them, as `uploadPart` answered
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` before any request when that are not all parts, or others;
   * `ERR_CSE_INTEGRITY` when the whole is not what was sent.
   */
  override async completeMultipartUpload(
    name: string,
    uploadId: string,
    parts: readonly { readonly number: number; readonly etag: string }[],
    options?: (PutOptions & Pick<MultipartUploadOptions, 'progress'>) | null,
  ): Promise<MultipartUploadResult> {
    const key = this.#internals._objectName(name)
    const begun = this.#uploads.begun(key, uploadId)
    const { call, upload } = begun
    checkParts(parts, begun)
    const { signal, progress } = options ?? {}
    const headers = completionHeaders(options ?? {})
    const result = await call.run(() => upload.completeMultipartUpload({ headers, signal }))
    this.#uploads.end(uploadId)
    const res = call.response(key, { headers: result.headers })
    await progress?.(1, null, res)
    const { etag = '', callbackData } = result
    return { res, bucket: call.bucketName, name, etag, ...callbackAnswer(callbackData) }
  }

  /** Gives up a multipart upload, this one alone, and frees its parts: one under way here ends with an Error named `abort`. */
  override async abortMultipartUpload(
    name: string,
    uploadId: string,
    options?: OSS.RequestOptions | null,
  ): Promise<OSS.NormalSuccessResponse> {
    checkUploadId(uploadId)
    this.#uploads.stop('abort', uploadId)
    const result = await super.abortMultipartUpload(name, uploadId, copyOf(options))
    this.#uploads.end(uploadId)
    return result
  }

  /** Lists the parts of an upload that the service holds: an array, also of one part. */
  override async listParts(
    name: string,
    uploadId: string,
    query: Partial<OSS.ListPartsQuery> = {},
    options?: OSS.RequestOptions | null,
  ): Promise<OSS.ListPartsResult> {
    const result = await super.listParts(name, uploadId, { ...query } as OSS.ListPartsQuery, copyOf(options))
    return { ...result, parts: [result.parts].flat() }
  }

  /**
   * Stops the `multipartUpload`s of this client that are under way: each ends with an Error named `cancel`, and can go on
   * from its checkpoint.
   *
   * @param abort - stops this one alone, and frees its parts
   */
  override cancel(abort?: { name: string; uploadId: string; options?: OSS.RequestOptions }): void {
    if (abort) checkUploadId(abort.uploadId)
    this.#internals.options.cancelFlag = true
    this.#uploads.stop('cancel', abort?.uploadId)
    if (!abort) return
    // Nobody waits for it, as in ali-oss; what it leaves behind listUploads shows.
    this.abortMultipartUpload(abort.name, abort.uploadId, abort.options).catch(() => {})
  }

  /** In ali-oss an aborted upload takes all others of its client with it: lib/common/multipart.js. */
  protected _stop(): void {}

  get #internals(): AliOssInternals {
    return internalsOf(this)
  }

  async #put(name: string, file: FileInput, options: PutOptions): Promise<PutObjectResult> {
    const { signal } = options
    const call = this.#call(options)
    const key = call.key(name)
    const path = typeof file === 'string' ? file : undefined
    // As in ali-oss a missing file fails with Node's own error.
    if (path !== undefined) await stat(path)
    const { sizeBytes, ...object } = objectOptions(options, path)
    const put = async (bucket: CryptoBucket): Promise<PutResult> => {
      if (typeof file === 'string') return putFile(bucket, key, file, { ...object, signal })
      const body = uploadBody(file)
      try {
        const isStream = typeof body === 'object' && body !== null && !('byteLength' in body)
        return await bucket.put(key, body, { ...object, signal, ...(isStream && { sizeBytes }) })
      } finally {
        closeBody(body)
      }
    }
    const result = await call.run(put)
    const res = call.response(key, { headers: result.headers })
    return { name: key, url: call.url(key), res, ...callbackAnswer(result.callbackData) }
  }

  #call(options: CallOptions, listener?: UploadListener): ServiceCall {
    return new ServiceCall(this.#internals, this.#encryption, options, listener)
  }

  #read(name: string, options: ReadOptions): ObjectRead {
    const how = getOptions(options)
    const call = this.#call(options)
    const { bucket } = call
    const key = call.key(name)
    return new ObjectRead({
      call,
      key,
      open: () => bucket.get(key, how),
      // In one request, as ali-oss does.
      download: (path) =>
        downloadFile(bucket, key, path, { ...how, multigetThreshold: Number.POSITIVE_INFINITY }),
      explain: (error) => call.explained(error),
    })
  }

  #readUrl(url: string | URL, options: ReadOptions): ObjectRead {
    const { versionId: _, ...how } = getOptions(options)
    const call = this.#call(options)
    const open = () => call.bucket.getByUrl(url, how)
    return new ObjectRead({
      call,
      key: 'the object of a URL',
      open,
      download: (path) =>
        replaceFile(path, async (append) => {
          const { body, ...result } = await open()
          for await (const chunk of body) await append(chunk)
          return result
        }),
      explain: (error) => error,
    })
  }
}

function isTarget(target: GetTarget | ReadOptions): target is Exclude<GetTarget, null | undefined> {
  if (typeof target === 'string') return true
  const { write, end } = (target ?? {}) as Partial<NodeJS.WritableStream>
  return typeof write === 'function' && typeof end === 'function'
}

/** None would name all of them. */
function checkUploadId(uploadId: string): void {
  if (typeof uploadId !== 'string' || uploadId === '') throw invalid('the uploadId is missing')
}

/** An object that lacks parts would be another one than its envelope says. */
function checkParts(
  listed: readonly { readonly number: number; readonly etag: string }[],
  { upload, parts }: BegunUpload,
): void {
  const { partCount } = upload.plan
  const etags = new Map(listed.map(({ number, etag }) => [number, etag]))
  for (let number = 1; number <= partCount; number++) {
    const stored = parts.get(number)?.part.etag
    if (stored === undefined) throw invalid(`part ${number} of ${partCount} was not sent yet`)
    if (etags.get(number) !== stored) {
      throw invalid(`part ${number} of ${partCount} is not in the list as uploadPart answered it`)
    }
  }
  if (etags.size > partCount) throw invalid(`the upload has ${partCount} parts, the list ${etags.size}`)
}
