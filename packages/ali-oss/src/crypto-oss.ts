import type OSS from 'ali-oss'
import type { StatusResult, VersionedOptions } from './ali-oss-gaps.ts'
import { copyOf, internalsOf, viewIn } from './ali-oss-internals.ts'
import { type AliOssResponse, callbackResult } from './ali-oss-response.ts'
import { beginCall, keepState, stateOf } from './client-state.ts'
import { type CryptoOSSOptions, splitOptions } from './crypto-oss-options.ts'
import {
  type MultipartUploadOptions,
  type MultipartUploadResult,
  multipartUpload,
} from './multipart-upload.ts'
import { objectMeta, uncompressed } from './object-meta.ts'
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
import { type OwnPartsMethod, refuseOwnParts } from './refusal.ts'
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
import { ServiceCall } from './service-call.ts'
import { type FileInput, partBody } from './upload-body.ts'

/** The result of `head`: the headers of an object. */
export interface HeadObjectResult {
  /** 200, or 304 when the object is not modified. */
  readonly status: number
  /** User metadata without the envelope; `null` when there is none. */
  readonly meta: OSS.UserMeta
  readonly res: AliOssResponse
  /** Whether the headers say that the object is sealed. Absent if the object is not modified (status 304). */
  readonly sealed?: boolean
}

/** Options of `initMultipartUpload`. */
export interface InitMultipartUploadOptions extends Omit<PutOptions, 'context'> {
  /** The length of the object in bytes. The service must know it before the first part. */
  readonly dataSize: number
  /** The length in bytes of each part but the last: a multiple of 16, at least 100 KiB, for at most 10,000 parts. */
  readonly partSize: number
}

/** The result of `initMultipartUpload`. */
export interface InitMultipartUploadResult {
  readonly res: AliOssResponse
  readonly bucket: string
  readonly name: string
  readonly uploadId: string
}

/** The result of `uploadPart`. */
export interface UploadPartResult {
  readonly name: string
  /** The ETag of the ciphertext. */
  readonly etag: string
  readonly res: AliOssResponse
}

/**
 * An `OSS` of ali-oss that encrypts objects before they leave the machine. Every method has the name, the arguments
 * and the results of ali-oss. docs/ALI_OSS_METHODS.md says for each one whether it encrypts, is sent unchanged, or is
 * refused.
 *
 * Errors of the service and the network are those of ali-oss (`name`, `code`, `status`). Refusals, and failures of
 * the encryption, are `CseError`s with a code that starts with `ERR_CSE_`.
 *
 * By default, the encryption is AES-256-CTR. It hides content and does not authenticate it: see docs/THREAT_MODEL.md. With
 * the option `accept: 'sealed'`, objects are sealed, and every byte is verified before you get it: see
 * docs/SEALED_OBJECTS.md.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when the options contradict each other.
 *
 * @example
 * ```ts
 * const client = new CryptoOSS({ region, accessKeyId, accessKeySecret, bucket, provider: new RsaProvider({ privateKey }) })
 * await client.put('report.pdf', '/home/me/report.pdf')
 * const { content } = await client.get('report.pdf')
 * ```
 */
export class CryptoOSS extends RefusingOSS {
  /** @param ctx - ali-oss passes it to `urllib`; here it is only kept as `ctx` */
  constructor(options: CryptoOSSOptions, ctx?: unknown) {
    const { ossOptions, ...own } = splitOptions(options)
    super(ossOptions, ctx)
    // Contradictory options throw here, whatever bucket is used later.
    const state = internalsOf(this).options
    const anyBucket = { options: { value: { ...state, bucket: state.bucket ?? 'any-bucket' } } }
    const { format } = new ServiceCall(Object.create(this, anyBucket), own.encryption).bucket
    keepState(this, { ...own, format, uploads: new OpenUploads() })
  }

  /**
   * Encrypts and uploads an object in one request.
   *
   * @param name - the key of the object
   * @param file - the path of a file, a Buffer or other bytes, a Blob, or a stream
   * @returns `commitment` too, if the object is sealed
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` and `ERR_CSE_METADATA_TOO_LARGE` before any request; `ERR_CSE_SOURCE`
   *   when the stream fails; `ERR_CSE_SOURCE_CHANGED` when the file changes meanwhile; `ERR_CSE_INTEGRITY` when the
   *   service stored other bytes; the errors of the provider of the master key.
   */
  override async put(name: string, file: FileInput, options?: PutOptions | null): Promise<PutObjectResult> {
    return putObject(this, name, file, options ?? {})
  }

  /**
   * Encrypts and uploads a stream of at most 5 GB in one request. It does not buffer the stream, so it cannot retry.
   *
   * @throws CseError as `put`.
   */
  override async putStream(
    name: string,
    stream: Exclude<FileInput, string>,
    options?: PutOptions | null,
  ): Promise<PutObjectResult> {
    if (typeof stream === 'string') throw invalid('putStream takes a stream. Use put for the path of a file')
    return putObject(this, name, stream, options ?? {})
  }

  /**
   * Downloads and decrypts an object, or a range of it by a `Range` header, in one request. It holds the whole in
   * memory. Content that is stored with a `Content-Encoding` of `gzip` or `deflate` is decompressed, as in ali-oss,
   * up to `maxDecompressedBytes`.
   *
   * @throws CseError `ERR_CSE_NOT_ENCRYPTED`, `ERR_CSE_ENVELOPE_DAMAGED`, `ERR_CSE_NO_MATCHING_KEY`,
   *   `ERR_CSE_UNWRAP_FAILED` before any byte is returned; `ERR_CSE_INTEGRITY` when the checksum or the length is
   *   wrong; `ERR_CSE_AUTHENTICATION_FAILED` for a sealed object that was altered, or has another `context` or
   *   commitment; `ERR_CSE_NOT_SEALED` for any other object, with `accept: 'sealed'` or `expectCommitment`;
   *   `ERR_CSE_DECOMPRESSION` for content that is too long when decompressed, or that cannot be decompressed;
   *   `ERR_CSE_OPERATION_REFUSED` for `process`.
   */
  override get(name: string, options?: ReadOptions | null): Promise<GottenContent>
  override get(name: string, target: null | undefined, options?: ReadOptions | null): Promise<GottenContent>
  /**
   * Downloads and decrypts an object, or a range of it, into a file or a stream.
   *
   * @param target - the path of a file, which is replaced as a whole when all bytes have arrived; or a stream
   * @throws CseError as without a target; `ERR_CSE_INVALID_ARGUMENT` for a file that cannot be written.
   */
  override get(name: string, target: GetTarget, options?: ReadOptions | null): Promise<GetObjectResult>
  override async get(name: string, ...given: ReadArguments): Promise<GetObjectResult> {
    const { target, options } = readArguments(given)
    return readObject(this, name, options).to(target)
  }

  /**
   * Opens an object, or a range of it, and decrypts it while you read it.
   *
   * @throws CseError as `get`; later errors are emitted by the stream.
   */
  override async getStream(name: string, options?: ReadOptions | null): Promise<GetStreamResult> {
    return readObject(this, name, options ?? {}).stream()
  }

  /**
   * Like `get`, through a URL of `signatureUrl`. The URL returns ciphertext, and this method decrypts it.
   *
   * @throws CseError as `get`, also for errors of the service, because the request does not go through ali-oss. No
   *   error contains the URL.
   */
  getByUrl(url: string | URL, options?: ReadOptions | null): Promise<GottenContent>
  getByUrl(url: string | URL, target: null | undefined, options?: ReadOptions | null): Promise<GottenContent>
  getByUrl(url: string | URL, target: GetTarget, options?: ReadOptions | null): Promise<GetObjectResult>
  async getByUrl(url: string | URL, ...given: ReadArguments): Promise<GetObjectResult> {
    const { target, options } = readArguments(given)
    return readUrl(this, url, options).to(target)
  }

  /**
   * Like `getStream`, through a URL of `signatureUrl`.
   *
   * @throws CseError as `getByUrl`.
   */
  async getStreamByUrl(url: string | URL, options?: ReadOptions | null): Promise<GetStreamResult> {
    return readUrl(this, url, options ?? {}).stream()
  }

  /**
   * Returns the metadata of an object: your own metadata, and the length of the plaintext. The length of a sealed object
   * follows from its stored length, and only reading the end of the object verifies it.
   *
   * @throws CseError `ERR_CSE_ENVELOPE_DAMAGED`; `ERR_CSE_AUTHENTICATION_FAILED` for a length that no sealed object has.
   */
  override async head(name: string, options?: HeadOptions | null): Promise<HeadObjectResult> {
    const how = options ?? {}
    const call = beginCall(this, how)
    const key = call.key(name)
    const { headers, versionId, signal, deadlineMs } = headOptions(how)
    try {
      const result = await call.bucket.head(key, { headers, versionId, signal, deadlineMs })
      const meta = Object.keys(result.metadata).length > 0 ? result.metadata : null
      // Cast, because the types of ali-oss know neither an object without metadata nor one without these two fields.
      return {
        status: 200,
        meta: meta as unknown as OSS.UserMeta,
        res: call.response(key, {
          headers: { ...result.headers, 'content-length': String(result.sizeBytes) },
        }),
        sealed: result.sealed,
      }
    } catch (error) {
      const res = call.notModified(key, error)
      if (res === undefined) throw call.explained(error)
      return { status: res.status, meta: null as unknown as OSS.UserMeta, res }
    }
  }

  /**
   * Returns the length of the plaintext of an object, its ETag and the time when it was stored. `res.headers` has the other
   * headers of `head` too: the request of ali-oss has no response that says whether the object is sealed.
   *
   * @throws CseError `ERR_CSE_AUTHENTICATION_FAILED` for a length that no sealed object has.
   */
  override async getObjectMeta(name: string, options?: VersionedOptions | null): Promise<StatusResult> {
    return objectMeta(name, {
      head: () => {
        const asked = copyOf(options)
        return super.head(name, { ...asked, headers: uncompressed(asked.headers) } as OSS.HeadObjectOptions)
      },
      meta: () => super.getObjectMeta(name, copyOf(options)),
    })
  }

  /**
   * Encrypts and uploads a file, or content in memory, in parallel parts. Less than 100 KiB is uploaded in one
   * request. With `progress`, you can resume an interrupted upload: call this method again with the last
   * `checkpoint`. It sends only the missing parts. If the file changed meanwhile, or the format or the context of the
   * client, the upload restarts under a new key.
   *
   * @param name - the key of the object; absent: that of the checkpoint
   * @param file - the path of a file, or a Buffer; absent: the file of the checkpoint
   * @throws CseError as `put`; an Error named `cancel` or `abort` when the upload was stopped.
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
   * Starts a multipart upload whose parts you send yourself, from this process. The client keeps the content key in
   * memory until the upload is completed or aborted.
   *
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` before any request when `dataSize` or `partSize` is missing, or for
   *   an impossible part size: the message names the nearest possible one; `ERR_CSE_OPERATION_REFUSED` for a client that
   *   seals.
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
    checkOwnParts(this, 'initMultipartUpload')
    const { dataSize, partSize, signal, deadlineMs } = options ?? {}
    if (!options || typeof dataSize !== 'number' || typeof partSize !== 'number') {
      throw invalid(
        'initMultipartUpload needs `dataSize` and `partSize`, because the service must know both beforehand',
      )
    }
    if (!(Number.isSafeInteger(dataSize) && dataSize > 0)) {
      throw invalid(`dataSize must be the length of the object in bytes, at least 1, not ${dataSize}`)
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
   * Encrypts and sends one part of an upload that this client started. You can send parts in any order, in parallel,
   * and repeatedly. The timeout is that of the upload.
   *
   * @param file - the path of the whole file, all its bytes, or a stream of the part alone
   * @param start - the offset of the part in the file, in bytes
   * @param end - the offset of the end of the part, exclusive
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` before any request for a part that does not have the planned length,
   *   or an upload that this client did not start; `ERR_CSE_SOURCE_CHANGED` for other bytes than this part number had
   *   before; `ERR_CSE_OPERATION_REFUSED` for a client that seals.
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
    checkOwnParts(this, 'uploadPart')
    const { call, upload, parts } = begunUpload(this, name, uploadId)
    const { signal, deadlineMs } = options ?? {}
    const headers = laterHeaders(options ?? {})
    const body = partBody(file, start, end)
    const { etag } = await call.run(() => upload.uploadPart(partNo, body, { headers, signal, deadlineMs }))
    return { name, etag, res: parts.get(partNo)?.response as AliOssResponse }
  }

  /**
   * Completes a multipart upload: makes the object from its parts.
   *
   * @param parts - all parts, as `uploadPart` returned them
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` before any request when parts are missing or wrong;
   *   `ERR_CSE_INTEGRITY` when the stored object is not what was sent; `ERR_CSE_OPERATION_REFUSED` for a client that
   *   seals.
   */
  override async completeMultipartUpload(
    name: string,
    uploadId: string,
    parts: readonly { readonly number: number; readonly etag: string }[],
    options?: (Omit<PutOptions, 'context'> & Pick<MultipartUploadOptions, 'progress'>) | null,
  ): Promise<MultipartUploadResult> {
    checkOwnParts(this, 'completeMultipartUpload')
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
    return { res, bucket: call.bucketName, name, etag, ...callbackResult(callbackData) }
  }

  /**
   * Aborts one multipart upload and frees its parts. A running `multipartUpload` of this client rejects with an Error
   * named `abort`.
   */
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

  /** Lists the stored parts of an upload. The result is an array even for one part. */
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

  /** Sends a request of ali-oss unchanged. Every method that is sent unchanged uses it. */
  override async request(params: PassedParams): Promise<PassedResult> {
    const { request } = RefusingOSS.prototype
    return passRequest(this, params, (client, sent) => request.call(client, sent))
  }

  /**
   * Stops the running `multipartUpload`s of this client. Each rejects with an Error named `cancel`, and you can
   * resume it from its checkpoint.
   *
   * @param abort - stops only this upload, and frees its parts
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
    // Not awaited, as in ali-oss. If it fails, listUploads still shows the upload.
    this.abortMultipartUpload(name, uploadId, options).catch(() => {})
  }
}

/** Refuses parts which the caller has cut, if the client seals. */
function checkOwnParts(client: CryptoOSS, method: OwnPartsMethod): void {
  if (stateOf(client).format === 'sealed') refuseOwnParts(method)
}

/** Returns an upload that the client started with `initMultipartUpload`. */
function begunUpload(client: CryptoOSS, name: string, uploadId: string): BegunUpload {
  return stateOf(client).uploads.begun(internalsOf(client)._objectName(name), uploadId)
}

/** Starts a call on an upload. It uses the bucket that the upload started in, if that is known. */
function callOf(client: CryptoOSS, name: string, uploadId: string): ServiceCall {
  return stateOf(client).uploads.callOf(internalsOf(client)._objectName(name), uploadId) ?? beginCall(client)
}

/** A missing id would mean all uploads. */
function checkUploadId(uploadId: string): void {
  if (typeof uploadId !== 'string' || uploadId === '') throw invalid('the uploadId is missing')
}

/** An object that lacks parts would not match its envelope. */
function checkParts(
  listed: readonly { readonly number: number; readonly etag: string }[],
  { upload, parts }: BegunUpload,
): void {
  const { partCount } = upload.plan
  const etags = new Map(listed.map(({ number, etag }) => [number, etag]))
  for (let number = 1; number <= partCount; number++) {
    const stored = parts.get(number)?.part.etag
    if (stored === undefined) throw invalid(`part ${number} of ${partCount} has not been sent yet`)
    if (etags.get(number) !== stored) {
      throw invalid(`part ${number} of ${partCount} is not in the list as uploadPart returned it`)
    }
  }
  if (etags.size > partCount)
    throw invalid(`the upload has ${partCount} parts, but the list has ${etags.size}`)
}
