import { Readable } from 'node:stream'
import {
  type CallOptions,
  CseError,
  type GetObjectRequest,
  type GetObjectResponse,
  type HeaderMap,
  type HeadObjectRequest,
  type HeadObjectResponse,
  MAX_PAGE_ENTRIES,
  type MultipartTransport,
  type ObjectCatalog,
  type ObjectPage,
  type ObjectTransport,
  OSS_HEADERS,
  objectPageProblem,
  type PartPage,
  type PendingUploadPage,
  type PutObjectRequest,
  type PutObjectResponse,
  partPageProblem,
  type SymlinkRequest,
  type SymlinkResponse,
  tell,
  type UploadedPart,
  type UploadReference,
  type UploadRequest,
  uploadPageProblem,
} from '@oss-cse/crypto-core'
import type { AliOssClient, RequestParams } from './ali-oss-client.ts'
import { type Connection, checkBucketName, connect, type OssTransportOptions } from './client-options.ts'
import type { Answer } from './http-exchange.ts'
import {
  type AliObject,
  type AliPart,
  type AliUpload,
  countOf,
  crc64Of,
  decodeName,
  namesAreEncoded,
  objectSummary,
  pendingUpload,
  uploadedParts,
} from './listings.ts'
import { checkObjectKey } from './object-key.ts'
import { type OssCall, type Outcome, runCall } from './oss-call.ts'
import { foreignResponse, type RequestContext, unusableResponse } from './oss-errors.ts'
import { copyHeaders, requestHeaders } from './request-headers.ts'
import { UploadSource } from './upload-source.ts'

const MAX_PART_NUMBER = 10_000
const MAX_DELETED_KEYS = 1000
const CALLBACK = 'x-oss-callback'
/** Raw bytes: the checksum, the ranges and the cipher speak of what is stored. */
const IDENTITY = { 'accept-encoding': 'identity' } as const

/** How a bucket is created. */
export interface CreateBucketOptions extends CallOptions {
  readonly acl?: 'private' | 'public-read' | 'public-read-write'
  readonly storageClass?: 'Standard' | 'IA' | 'Archive' | 'ColdArchive' | 'DeepColdArchive'
  readonly dataRedundancyType?: 'LRS' | 'ZRS'
}

/**
 * Objects in a bucket of Alibaba Cloud OSS, through ali-oss.
 *
 * ali-oss addresses, signs and parses; the bytes move through an HTTP exchange of our own, which streams with
 * back-pressure both ways, stops when its signal aborts, and never retries. Of a client that you pass
 * nothing is changed but the credentials that its own `refreshSTSToken` gives: each call works on a view of it.
 *
 * Every call that waits rejects with a TransportError when the service or the network fails, with
 * `ERR_CSE_SOURCE` (or the source's own CseError) when a body's source does, and with the signal's reason when
 * the signal aborts.
 *
 * @example
 * ```ts
 * const transport = new OssTransport({
 *   bucket: 'my-bucket',
 *   region: 'cn-hangzhou',
 *   accessKeyId: process.env.OSS_ACCESS_KEY_ID ?? '',
 *   accessKeySecret: process.env.OSS_ACCESS_KEY_SECRET ?? '',
 * })
 * const { headers } = await transport.head({ key: 'report.pdf', headers: {} })
 * ```
 */
export class OssTransport implements ObjectTransport, MultipartTransport, ObjectCatalog {
  /** The bucket's name. */
  readonly bucket: string
  /** The endpoint and the bucket: what checkpoints are bound to. */
  readonly location: string
  readonly #connection: Connection

  /**
   * @param options - a client that you made, or what it takes to make one
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for options that are missing or contradict each other
   */
  constructor(options: OssTransportOptions) {
    this.#connection = connect(options)
    this.bucket = this.#connection.bucket
    this.location = this.#connection.location
  }

  /**
   * Stores one object in one request.
   *
   * The body is opened once. With `sizeBytes` it must yield exactly that many bytes, or nothing is stored.
   * Without a `content-type` header the type is guessed from the key's extension.
   *
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for a key, a header or a body that cannot be sent
   */
  async put({ key, headers, body, signal, onSentBytes }: PutObjectRequest): Promise<PutObjectResponse> {
    checkObjectKey(key)
    const sent = requestHeaders(headers, key)
    const source = new UploadSource(body, key)
    const call: OssCall = {
      operation: 'put',
      objectKey: key,
      signal,
      source,
      onSentBytes,
      expected: { etag: true },
      hasCallback: CALLBACK in sent,
    }
    tell(onSentBytes, 0)
    const { answer } = await this.#call(call, async (client) => {
      // putStream takes a length of 0 for none and sends in chunks: ali-oss 6.23 lib/object.js `putStream`.
      if (source.sizeBytes === 0) {
        await source.next()
        return client.put(key, Buffer.alloc(0), { headers: sent })
      }
      return withPlaceholder((stream) =>
        client.putStream(key, stream, {
          headers: sent,
          ...(source.sizeBytes !== undefined && { contentLength: source.sizeBytes }),
        }),
      )
    })
    return { ...statusAndHeaders(answer), ...(call.hasCallback && { data: answer.data }) }
  }

  /**
   * Reads one object, or a range of it, as it is stored.
   *
   * Read the body to its end or return its iterator: until then it holds a connection.
   */
  async get({ key, headers, versionId, signal }: GetObjectRequest): Promise<GetObjectResponse> {
    checkObjectKey(key)
    const sent = { ...requestHeaders(headers, key), ...IDENTITY }
    const { answer } = await this.#call({ operation: 'get', objectKey: key, signal }, (client) =>
      client.getStream(key, { headers: sent, ...(versionId !== undefined && { subres: { versionId } }) }),
    )
    if (answer.body === undefined) throw foreignResponse(this.#context('get', key), answer.status, 'body')
    return { ...statusAndHeaders(answer), body: answer.body }
  }

  /** Reads an object's headers. */
  async head({ key, headers, versionId, signal }: HeadObjectRequest): Promise<HeadObjectResponse> {
    checkObjectKey(key)
    const sent = { ...requestHeaders(headers, key), ...IDENTITY }
    const call: OssCall = { operation: 'head', objectKey: key, signal }
    const { answer } = await this.#call(call, (client) =>
      client.head(key, { headers: sent, ...(versionId !== undefined && { versionId }) }),
    )
    return statusAndHeaders(answer)
  }

  /** Reads where a symbolic link points to. */
  async getSymlink({ key, headers, versionId, signal }: SymlinkRequest): Promise<SymlinkResponse> {
    checkObjectKey(key)
    const sent = requestHeaders(headers, key)
    const call: OssCall = { operation: 'read the symbolic link', objectKey: key, signal }
    const { value, answer } = await this.#call(
      call,
      (client) =>
        client.getSymlink(key, {
          headers: sent,
          ...(versionId !== undefined && { versionId }),
        }) as Promise<{ targetName?: unknown }>,
    )
    const { targetName } = value
    // ali-oss decodes a header that is not there too, and makes a name of it: lib/common/object/getSymlink.js.
    if (typeof targetName !== 'string' || !answer.headers[OSS_HEADERS.symlinkTarget]) {
      throw foreignResponse(this.#context(call.operation, key), answer.status, OSS_HEADERS.symlinkTarget)
    }
    return { targetKey: targetName }
  }

  /**
   * Begins a multipart upload. All headers go with it: they become the object's.
   *
   * @returns also the answer's headers
   */
  async initiate({
    key,
    headers,
    signal,
  }: CallOptions & { readonly key: string; readonly headers: HeaderMap }): Promise<{
    readonly uploadId: string
    readonly headers: HeaderMap
  }> {
    checkObjectKey(key)
    const sent = requestHeaders(headers, key)
    const operation = 'initiate a multipart upload of'
    const expected = { root: 'InitiateMultipartUploadResult' }
    const { value, answer } = await this.#call(
      { operation, objectKey: key, signal, expected },
      (client) => client.initMultipartUpload(key, { headers: sent }) as Promise<{ uploadId?: unknown }>,
    )
    const { uploadId } = value
    if (typeof uploadId !== 'string' || uploadId === '') {
      throw foreignResponse(this.#context(operation, key), answer.status, 'upload id')
    }
    return { uploadId, headers: answer.headers }
  }

  /**
   * Stores one part.
   *
   * @returns also the answer's headers
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` also when the body's `sizeBytes` is missing
   */
  async uploadPart({
    key,
    uploadId,
    partNumber,
    headers,
    body,
    signal,
    onSentBytes,
  }: UploadReference & UploadRequest & { readonly partNumber: number }): Promise<
    UploadedPart & { readonly headers: HeaderMap }
  > {
    checkObjectKey(key)
    checkUploadId(uploadId, key)
    checkPartNumber(partNumber, key)
    const sent = requestHeaders(headers, key)
    const source = new UploadSource(body, key)
    const { sizeBytes } = source
    if (sizeBytes === undefined) throw invalid('The body of a part needs its sizeBytes.', key)
    const call: OssCall = {
      operation: `upload part ${partNumber} of`,
      objectKey: key,
      signal,
      source,
      onSentBytes,
      expected: { etag: true },
    }
    tell(onSentBytes, 0)
    const { answer } = await this.#call(call, (client) =>
      withPlaceholder((stream) =>
        client.uploadPart(key, uploadId, partNumber, stream, 0, sizeBytes, { headers: sent }),
      ),
    )
    const { etag = '' } = answer.headers
    const crc64 = crc64Of(answer.headers[OSS_HEADERS.crc64])
    return { partNumber, etag, sizeBytes, ...(crc64 !== undefined && { crc64 }), headers: answer.headers }
  }

  /** Makes the object out of its parts. Only the headers given here are sent. */
  async complete({
    key,
    uploadId,
    parts,
    headers,
    signal,
  }: UploadReference & {
    readonly parts: readonly UploadedPart[]
    readonly headers: HeaderMap
  }): Promise<PutObjectResponse> {
    checkObjectKey(key)
    checkUploadId(uploadId, key)
    const numbers = new Set<number>()
    for (const { partNumber, etag } of parts) {
      checkPartNumber(partNumber, key)
      if (numbers.has(partNumber)) throw invalid(`Part ${partNumber} is listed twice.`, key)
      numbers.add(partNumber)
      // ali-oss writes it into the document as it is: ali-oss 6.23 lib/common/multipart.js.
      if (typeof etag !== 'string' || !/^[^<>&\s]+$/.test(etag)) {
        throw invalid(`The ETag of part ${partNumber} is not one: ${JSON.stringify(etag)}.`, key)
      }
    }
    if (parts.length === 0) throw invalid('A multipart upload needs at least one part.', key)
    const sent = requestHeaders(headers, key)
    const call: OssCall = {
      operation: 'complete the multipart upload of',
      objectKey: key,
      signal,
      expected: { etag: true, root: 'CompleteMultipartUploadResult' },
      hasCallback: CALLBACK in sent,
    }
    const { answer } = await this.#call(call, (client) =>
      client.completeMultipartUpload(
        key,
        uploadId,
        parts.map(({ partNumber, etag }) => ({ number: partNumber, etag })),
        { headers: sent },
      ),
    )
    return statusAndHeaders(answer)
  }

  /** Gives a multipart upload up and frees its parts. Other uploads of the same client go on. */
  async abort({ key, uploadId, headers = {}, signal }: UploadReference): Promise<void> {
    checkObjectKey(key)
    checkUploadId(uploadId, key)
    const sent = requestHeaders(headers, key)
    await this.#call({ operation: 'abort the multipart upload of', objectKey: key, signal }, (client) =>
      client.abortMultipartUpload(key, uploadId, { headers: sent }),
    )
  }

  /** Lists the stored parts of an upload, up to 1,000 a page. */
  async listParts({
    key,
    uploadId,
    marker,
    headers = {},
    signal,
  }: UploadReference & { readonly marker?: string | undefined }): Promise<PartPage> {
    checkObjectKey(key)
    checkUploadId(uploadId, key)
    const sent = requestHeaders(headers, key)
    const query = {
      'max-parts': MAX_PAGE_ENTRIES,
      ...(marker !== undefined && { 'part-number-marker': marker }),
    }
    const call = { operation: 'list the parts of', objectKey: key, signal }
    const { value, answer } = await this.#call(
      { ...call, expected: { root: 'ListPartsResult' } },
      async (client) => {
        const page = (await client.listParts(key, uploadId, query, { headers: sent })) as {
          parts: AliPart | AliPart[]
          isTruncated?: string
          nextPartNumberMarker?: string
        }
        const parts = uploadedParts(page.parts)
        // The XML parser leaves a boolean as text.
        return page.isTruncated === 'true'
          ? { parts, nextMarker: page.nextPartNumberMarker ?? '' }
          : { parts }
      },
    )
    const after = countOf(marker) || 0
    const goesBack = value.nextMarker !== undefined && !(countOf(value.nextMarker) > after)
    const problem = goesBack ? 'its marker is missing or does not advance' : undefined
    this.#checkListing(call, answer, partPageProblem(value, { after, marker }) ?? problem)
    return value
  }

  /** Lists the bucket's unfinished multipart uploads, up to 1,000 a page. */
  async listUploads({
    prefix,
    keyMarker,
    uploadIdMarker,
    signal,
  }: CallOptions & {
    readonly prefix?: string
    readonly keyMarker?: string
    readonly uploadIdMarker?: string
  }): Promise<PendingUploadPage> {
    const query = {
      'encoding-type': 'url',
      'max-uploads': MAX_PAGE_ENTRIES,
      ...(prefix && { prefix }),
      ...(keyMarker && { 'key-marker': keyMarker }),
      ...(uploadIdMarker && { 'upload-id-marker': uploadIdMarker }),
    }
    const call = { operation: 'list the multipart uploads', signal }
    const { value, answer } = await this.#call(
      { ...call, expected: { root: 'ListMultipartUploadsResult' } },
      async (client, answer) => {
        const page = (await client.listUploads(query, {})) as {
          uploads: AliUpload[]
          isTruncated: boolean
          nextKeyMarker?: string
          nextUploadIdMarker?: string
        }
        const decode = nameDecoder(answer())
        const uploads = page.uploads.map((upload) => pendingUpload(upload, decode))
        if (!page.isTruncated) return { uploads }
        return {
          uploads,
          nextKeyMarker: decode(page.nextKeyMarker ?? ''),
          ...(page.nextUploadIdMarker && { nextUploadIdMarker: page.nextUploadIdMarker }),
        }
      },
    )
    this.#checkListing(call, answer, uploadPageProblem(value, { keyMarker, uploadIdMarker }))
    return value
  }

  /** Lists objects in the order of their keys' bytes. */
  async list({
    prefix,
    delimiter,
    startAfter,
    maxKeys,
    continuationToken,
    signal,
  }: CallOptions & {
    readonly prefix?: string
    readonly delimiter?: string
    readonly startAfter?: string
    readonly maxKeys?: number
    readonly continuationToken?: string
  }): Promise<ObjectPage> {
    if (maxKeys !== undefined && !(Number.isInteger(maxKeys) && maxKeys >= 1 && maxKeys <= 1000)) {
      throw invalid('`maxKeys` must be from 1 to 1,000.')
    }
    const query = {
      'encoding-type': 'url',
      ...(prefix && { prefix }),
      ...(delimiter && { delimiter }),
      ...(startAfter && { 'start-after': startAfter }),
      ...(maxKeys !== undefined && { 'max-keys': maxKeys }),
      ...(continuationToken && { 'continuation-token': continuationToken }),
    }
    const expected = { root: 'ListBucketResult' }
    const call = { operation: 'list', signal }
    const { value, answer } = await this.#call({ ...call, expected }, async (client, answer) => {
      const page = (await client.listV2(query, {})) as {
        objects: AliObject[]
        prefixes: string[] | null
        isTruncated: boolean
        nextContinuationToken: string | null
      }
      const decode = nameDecoder(answer())
      const objects = page.objects.map((object) => objectSummary(object, decode))
      const prefixes = (page.prefixes ?? []).map(decode)
      if (!page.isTruncated) return { objects, prefixes }
      const nextContinuationToken = decodeToken(page.nextContinuationToken ?? '', answer())
      return { objects, prefixes, nextContinuationToken }
    })
    const position = { maxKeys: maxKeys ?? MAX_PAGE_ENTRIES, continuationToken }
    this.#checkListing(call, answer, objectPageProblem(value, position))
    return value
  }

  /** Deletes one object, or one version of it. One that does not exist counts as deleted. */
  async delete({
    key,
    versionId,
    signal,
  }: CallOptions & { readonly key: string; readonly versionId?: string }): Promise<void> {
    checkObjectKey(key)
    await this.#call({ operation: 'delete', objectKey: key, signal }, (client) =>
      client.delete(key, versionId === undefined ? {} : { versionId }),
    )
  }

  /**
   * Deletes up to 1,000 objects in one request. Keys with control characters, which XML cannot carry, take a
   * request each.
   *
   * @returns those of the keys that the service reports as deleted
   */
  async deleteMany({
    keys,
    signal,
  }: CallOptions & { readonly keys: readonly string[] }): Promise<readonly string[]> {
    if (keys.length > MAX_DELETED_KEYS) {
      throw invalid(
        `deleteMany takes at most ${MAX_DELETED_KEYS} keys, not ${keys.length}: call it several times.`,
      )
    }
    for (const key of keys) checkObjectKey(key)
    const plain = keys.filter((key) => !NOT_IN_XML.test(key))
    const deleted = new Set<string>()
    if (plain.length > 0) {
      const expected = { root: 'DeleteResult' }
      const call: OssCall = { operation: 'delete several objects', signal, expected }
      const { value } = await this.#call(call, async (client) => {
        const answer = (await client.deleteMulti(plain, {})) as { deleted: { Key: string }[] }
        return new Set(answer.deleted.map(({ Key }) => Key))
      })
      for (const key of plain) if (value.has(key)) deleted.add(key)
    }
    for (const key of keys.filter((key) => NOT_IN_XML.test(key))) {
      await this.delete({ key, ...(signal && { signal }) })
      deleted.add(key)
    }
    return [...deleted]
  }

  /**
   * Copies an object on the server, its metadata (and so its envelope) included.
   *
   * @throws CseError `ERR_CSE_OPERATION_REFUSED` for headers that would replace the metadata
   */
  async copy({
    sourceKey,
    sourceBucket,
    key,
    headers,
    signal,
  }: CallOptions & {
    readonly sourceKey: string
    readonly sourceBucket?: string
    readonly key: string
    readonly headers: HeaderMap
  }): Promise<PutObjectResponse> {
    checkObjectKey(sourceKey)
    checkObjectKey(key)
    if (sourceBucket !== undefined) checkBucketName(sourceBucket)
    const sent = copyHeaders(headers, key)
    const call: OssCall = {
      operation: `copy "${sourceKey}" to`,
      objectKey: key,
      signal,
      expected: { root: 'CopyObjectResult' },
    }
    const { answer } = await this.#call(call, (client) => {
      const { request } = client
      Object.defineProperty(client, 'request', {
        // ali-oss repeats every header as a condition on the source, `x-oss-copy-source-<header>`
        // (ali-oss 6.23 lib/common/object/copyObject.js): before it signs, only what was asked for stays.
        value: (params: RequestParams) => {
          const copySource = params.headers?.[OSS_HEADERS.copySource]
          params.headers = {
            ...sent,
            ...(copySource !== undefined && { [OSS_HEADERS.copySource]: copySource }),
          }
          return request.call(client, params)
        },
      })
      return client.copy(key, sourceKey, sourceBucket ?? this.bucket, { headers: { ...sent } })
    })
    return statusAndHeaders(answer)
  }

  /** Creates the transport's bucket, in the region of the endpoint. */
  async createBucket({
    acl,
    storageClass,
    dataRedundancyType,
    signal,
  }: CreateBucketOptions = {}): Promise<void> {
    checkBucketName(this.bucket)
    await this.#call({ operation: 'create the bucket', signal }, (client) =>
      client.putBucket(this.bucket, {
        ...(acl !== undefined && { acl }),
        ...(storageClass !== undefined && { storageClass }),
        ...(dataRedundancyType !== undefined && { dataRedundancyType }),
      }),
    )
  }

  #call<T>(
    call: OssCall,
    work: (client: AliOssClient, answer: () => Answer | undefined) => Promise<T>,
  ): Promise<Outcome<T>> {
    return runCall(this.#connection, call, work)
  }

  /** Refuses a page that has values that cannot be, or after which a listing would have no end. */
  #checkListing(
    { operation, objectKey }: Pick<OssCall, 'operation' | 'objectKey'>,
    { status }: Answer,
    problem: string | undefined,
  ): void {
    if (problem === undefined) return
    throw unusableResponse(
      this.#context(operation, objectKey),
      status,
      `its listing cannot be used: ${problem}`,
    )
  }

  #context(operation: string, objectKey?: string): RequestContext {
    const { renewalHint } = this.#connection
    return { operation, bucket: this.bucket, renewalHint, ...(objectKey !== undefined && { objectKey }) }
  }
}

const NOT_IN_XML = /[\p{Cc}\ufffe\uffff]/u

/** ali-oss asks for a stream where ours is sent in its place: one that never yields, destroyed after the call. */
async function withPlaceholder<T>(work: (stream: Readable) => Promise<T>): Promise<T> {
  const stream = new Readable({ read() {} })
  try {
    return await work(stream)
  } finally {
    stream.destroy()
  }
}

/** URL-encoded like the names. A token has no spaces: a plus sign in it is one. */
function decodeToken(token: string, answer: Answer | undefined): string {
  return answer !== undefined && namesAreEncoded(answer.data) ? decodeURIComponent(token) : token
}

function nameDecoder(answer: Answer | undefined): (name: string) => string {
  return answer !== undefined && namesAreEncoded(answer.data) ? decodeName : (name) => name
}

function statusAndHeaders({ status, headers }: Answer): { status: number; headers: HeaderMap } {
  return { status, headers }
}

function checkUploadId(uploadId: string, key: string): void {
  if (typeof uploadId !== 'string' || uploadId === '') throw invalid('`uploadId` is missing.', key)
}

function checkPartNumber(partNumber: number, key: string): void {
  if (!Number.isInteger(partNumber) || partNumber < 1 || partNumber > MAX_PART_NUMBER) {
    throw invalid(`A part number is from 1 to 10,000, not ${partNumber}.`, key)
  }
}

function invalid(message: string, objectKey?: string): CseError {
  return new CseError('ERR_CSE_INVALID_ARGUMENT', message, objectKey === undefined ? {} : { objectKey })
}
