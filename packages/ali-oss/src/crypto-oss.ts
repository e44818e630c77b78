import type OSS from 'ali-oss'
import type { StatusResult, VersionedOptions } from './ali-oss-gaps.ts'
import { copyOf, internalsOf, viewIn } from './ali-oss-internals.ts'
import { type AliOssResponse, callbackAnswer } from './ali-oss-response.ts'
import { beginCall, keepState, stateOf } from './client-state.ts'
import { type CryptoOSSOptions, splitOptions } from './crypto-oss-options.ts'
import {
  type MultipartUploadOptions,
  type MultipartUploadResult,
  multipartUpload,
} from './multipart-upload.ts'
import { type PutObjectResult, putObject } from './object-put.ts'
import {
  type GetObjectResult,
  type GetStreamResult,
  type GetTarget,
  type GottenContent,
  type ReadArguments,
  readArguments,
  readObject,
  readUrl,
} from './object-read.ts'
import { type BegunUpload, OpenUploads } from './open-uploads.ts'
import { type PassedParams, type PassedResult, passRequest } from './passed-request.ts'
import { RefusingOSS } from './refusing-oss.ts'
import {
  type CallOptions,
  type HeadOptions,
  headOptions,
  invalid,
  laterHeaders,
  objectOptions,
  type PutOptions,
  type ReadOptions,
} from './request-options.ts'
import type { ServiceCall } from './service-call.ts'
import { type FileInput, partBody } from './upload-body.ts'

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
  /** @param ctx - handed to `urllib` in ali-oss; kept as `ctx` */
  constructor(options: CryptoOSSOptions, ctx?: unknown) {
    const { ossOptions, ...own } = splitOptions(options)
    super(ossOptions, ctx)
    keepState(this, { ...own, uploads: new OpenUploads() })
    // Options that contradict one another fail here, whatever bucket is used later.
    const state = internalsOf(this).options
    const anyBucket = { options: { value: { ...state, bucket: state.bucket ?? 'any-bucket' } } }
    beginCall(Object.create(this, anyBucket))
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
    return putObject(this, name, file, options ?? {})
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
    return putObject(this, name, stream, options ?? {})
  }

  /**
   * Downloads and decrypts an object, or a range of it by a `Range` header, in one request. The whole is held in memory.
   * Content that is stored with a `Content-Encoding` of `gzip` or `deflate` is decompressed, as in ali-oss, up to
   * `maxDecompressedBytes`.
   *
   * @throws CseError `ERR_CSE_NOT_ENCRYPTED`, `ERR_CSE_ENVELOPE_DAMAGED`, `ERR_CSE_NO_MATCHING_KEY`,
   * `ERR_CSE_UNWRAP_FAILED` before a byte is handed out; `ERR_CSE_INTEGRITY` when checksum or length are wrong;
   * `ERR_CSE_DECOMPRESSION` for content that becomes longer, or that cannot be decompressed;
   * `ERR_CSE_OPERATION_REFUSED` for `process`.
   */
  override get(name: string, options?: ReadOptions | null): Promise<GottenContent>
  override get(name: string, target: null | undefined, options?: ReadOptions | null): Promise<GottenContent>
  /**
   * Downloads and decrypts an object, or a range of it, into a file or a stream.
   *
   * @param target - the path of a file, which is replaced as a whole when everything has come; or a stream
   * @throws CseError as without a target; `ERR_CSE_INVALID_ARGUMENT` for a file that cannot be written.
   */
  override get(name: string, target: GetTarget, options?: ReadOptions | null): Promise<GetObjectResult>
  override async get(name: string, ...given: ReadArguments): Promise<GetObjectResult> {
    const { target, options } = readArguments(given)
    return readObject(this, name, options).to(target)
  }

  /**
   * Opens an object, or a range of it, and decrypts it as it is read.
   *
   * @throws CseError as `get`; what goes wrong later fails the stream.
   */
  override async getStream(name: string, options?: ReadOptions | null): Promise<GetStreamResult> {
    return readObject(this, name, options ?? {}).stream()
  }

  /**
   * As `get`, through a URL of `signatureUrl`: the URL gives ciphertext, which is decrypted here.
   *
   * @throws CseError as `get`, also for what the service answers, which is not asked through ali-oss. No error names the
   * URL.
   */
  getByUrl(url: string | URL, options?: ReadOptions | null): Promise<GottenContent>
  getByUrl(url: string | URL, target: null | undefined, options?: ReadOptions | null): Promise<GottenContent>
  getByUrl(url: string | URL, target: GetTarget, options?: ReadOptions | null): Promise<GetObjectResult>
  async getByUrl(url: string | URL, ...given: ReadArguments): Promise<GetObjectResult> {
    const { target, options } = readArguments(given)
    return readUrl(this, url, options).to(target)
  }

  /**
   * As `getStream`, through a URL of `signatureUrl`.
   *
   * @throws CseError as `getByUrl`.
   */
  async getStreamByUrl(url: string | URL, options?: ReadOptions | null): Promise<GetStreamResult> {
    return readUrl(this, url, options ?? {}).stream()
  }

  /**
   * Tells what the service knows about an object: of its metadata what is yours, and its length, which is that of the
   * plaintext.
   *
   * @throws CseError `ERR_CSE_ENVELOPE_DAMAGED`.
   */
  override async head(name: string, options?: HeadOptions | null): Promise<HeadObjectResult> {
    const how = options ?? {}
    const call = beginCall(this, how)
    const key = call.key(name)
    const { headers, versionId, signal, deadlineMs } = headOptions(how)
    try {
      const result = await call.bucket.head(key, { headers, versionId, signal, deadlineMs })
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
   * @param name - the object's key; absent: that of the checkpoint
   * @param file - the path of a file, or a Buffer; absent: the file of the checkpoint
   * @throws CseError as `put`; an Error named `cancel` or `abort` when somebody stopped the upload.
   */
  override async multipartUpload(
    name: string | null | undefined,
    file: string | Uint8Array | null | undefined,
    options?: MultipartUploadOptions | null,
  ): Promise<MultipartUploadResult> {
    this.resetCancelFlag()
    const how = options ?? {}
    return stateOf(this).uploads.run(how, (running) =>
      multipartUpload((listener) => beginCall(this, how, listener), running, name, file, how),
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
    const { dataSize, partSize, signal, deadlineMs } = options ?? {}
    if (!options || typeof dataSize !== 'number' || typeof partSize !== 'number') {
      throw invalid(
        'initMultipartUpload needs `dataSize` and `partSize`: the service must know both beforehand',
      )
    }
    if (!(Number.isSafeInteger(dataSize) && dataSize > 0)) {
      throw invalid(`dataSize is the object's length in bytes, at least 1, not ${dataSize}`)
    }
    const parts: BegunUpload['parts'] = new Map()
    let res: AliOssResponse | undefined
    const call = beginCall(this, options, {
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
        sizeBytes: dataSize,
        partSizeBytes: partSize,
        signal,
        deadlineMs,
      }),
    )
    stateOf(this).uploads.begin({ call, upload, parts })
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
    const { call, upload, parts } = begunUpload(this, name, uploadId)
    const { signal, deadlineMs } = options ?? {}
    const headers = laterHeaders(options ?? {})
    const body = partBody(file, start, end)
    const { etag } = await call.run(() => upload.uploadPart(partNo, body, { headers, signal, deadlineMs }))
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
    const begunMs = performance.now()
    const begun = begunUpload(this, name, uploadId)
    const { call, upload } = begun
    checkParts(parts, begun)
    const { signal, deadlineMs, progress } = options ?? {}
    const headers = laterHeaders(options ?? {})
    const result = await call.run(() => upload.completeMultipartUpload({ headers, signal, deadlineMs }))
    await stateOf(this).uploads.end(uploadId)
    const res = call.response(upload.key, { headers: result.headers, begunMs })
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
    const call = callOf(this, name, uploadId)
    const { uploads } = stateOf(this)
    uploads.stop('abort', call.key(name), uploadId)
    const view = viewIn(this, call.bucketName)
    const result = await super.abortMultipartUpload.call(view, name, uploadId, copyOf(options))
    await uploads.end(uploadId)
    return result
  }

  /** Lists the parts of an upload that the service holds: an array, also of one part. */
  override async listParts(
    name: string,
    uploadId: string,
    query: Partial<OSS.ListPartsQuery> = {},
    options?: OSS.RequestOptions | null,
  ): Promise<OSS.ListPartsResult> {
    const view = viewIn(this, callOf(this, name, uploadId).bucketName)
    const asked = { ...query } as OSS.ListPartsQuery
    const result = await super.listParts.call(view, name, uploadId, asked, copyOf(options))
    return { ...result, parts: [result.parts].flat() }
  }

  /** Sends a request of ali-oss as it is: every method that is passed through does so. */
  override async request(params: PassedParams): Promise<PassedResult> {
    const { request } = RefusingOSS.prototype
    return passRequest(this, params, (client, sent) => request.call(client, sent))
  }

  /**
   * Stops the `multipartUpload`s of this client that are under way: each ends with an Error named `cancel`, and can go on
   * from its checkpoint.
   *
   * @param abort - stops this one alone, and frees its parts
   */
  override cancel(abort?: { name: string; uploadId: string; options?: OSS.RequestOptions }): void {
    const { uploads } = stateOf(this)
    if (abort) checkUploadId(abort.uploadId)
    internalsOf(this).options.cancelFlag = true
    if (!abort) {
      uploads.cancelAll()
      return
    }
    const { name, uploadId, options } = abort
    uploads.stop('cancel', internalsOf(this)._objectName(name), uploadId)
    // Nobody waits for it, as in ali-oss; what it leaves behind listUploads shows.
    this.abortMultipartUpload(name, uploadId, options).catch(() => {})
  }
}

/** An upload that the client began by `initMultipartUpload`. */
function begunUpload(client: CryptoOSS, name: string, uploadId: string): BegunUpload {
  return stateOf(client).uploads.begun(internalsOf(client)._objectName(name), uploadId)
}

/** A call on an upload, in the bucket that it began in where that is known. */
function callOf(client: CryptoOSS, name: string, uploadId: string): ServiceCall {
  return stateOf(client).uploads.callOf(internalsOf(client)._objectName(name), uploadId) ?? beginCall(client)
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
