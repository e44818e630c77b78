import type {
  BucketVersioning,
  CallOptions,
  CompleteUploadRequest,
  CopyObjectRequest,
  DeleteObjectRequest,
  DeleteObjectsRequest,
  GetByUrlRequest,
  GetObjectRequest,
  GetObjectResponse,
  HeaderMap,
  HeadObjectRequest,
  HeadObjectResponse,
  InitiateUploadRequest,
  ListObjectsRequest,
  ListPartsRequest,
  ListUploadsRequest,
  ListVersionsRequest,
  MultipartTransport,
  ObjectAcl,
  ObjectCatalog,
  ObjectPage,
  ObjectSettings,
  ObjectSettingsRequest,
  ObjectTag,
  ObjectTransport,
  PartPage,
  PendingUploadPage,
  PutObjectRequest,
  PutObjectResponse,
  SymlinkRequest,
  SymlinkResponse,
  UploadedPart,
  UploadPartRequest,
  UploadReference,
  UrlTransport,
  VersionCatalog,
  VersionPage,
  WorkerSide,
  WorkerSideRequest,
} from '@oss-cse/crypto-core'
import { type Connection, connect, type OssTransportOptions } from './ali-oss/client-options.ts'
import { type CorsConfiguration, getCors, putCors } from './calls/bucket-cors.ts'
import { copyObject } from './calls/copy-object.ts'
import { type CreateBucketOptions, createBucket } from './calls/create-bucket.ts'
import { deleteObject, deleteObjects } from './calls/delete-objects.ts'
import { getByUrl } from './calls/get-by-url.ts'
import { getObject } from './calls/get-object.ts'
import { getSymlink } from './calls/get-symlink.ts'
import { headObject } from './calls/head-object.ts'
import { listObjects, listParts, listUploads } from './calls/listing-calls.ts'
import { abortUpload, completeUpload, initiateUpload, uploadPart } from './calls/multipart-calls.ts'
import { getObjectAcl, getObjectTags } from './calls/object-settings.ts'
import { putObject } from './calls/put-object.ts'
import { getVersioning, listVersions } from './calls/version-calls.ts'
import { workerSide } from './calls/worker-side.ts'

/**
 * Reads and writes objects in a bucket of Alibaba Cloud OSS.
 *
 * `put`, `get`, `head`, `initiate`, `uploadPart`, `complete` and `abort` send the requests of ali-oss without it. For the
 * other calls ali-oss addresses, signs and parses. The transport sends all HTTP requests itself: it streams with back-pressure both ways, stops when
 * the signal aborts, and never retries. If you pass a client, each call reads its options again. The transport changes
 * only its credentials, and only to those that its own `refreshSTSToken` returns.
 *
 * Every asynchronous call rejects with a TransportError when the service or the network fails, with `ERR_CSE_SOURCE`
 * (or the source's own CseError) when the source of a body fails, and with the signal's reason when the signal
 * aborts.
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
export class OssTransport
  implements ObjectTransport, MultipartTransport, ObjectCatalog, UrlTransport, VersionCatalog, ObjectSettings
{
  /** The name of the bucket. */
  readonly bucket: string
  /** The endpoint and the bucket. Checkpoints are bound to it. */
  readonly location: string
  readonly #connection: Connection

  /**
   * @param options - a client that you made, or the options to make one
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
   * The body is opened once. If it states `sizeBytes`, it must yield exactly that many bytes, otherwise nothing is
   * stored. Without a `content-type` header, the type is guessed from the key's extension.
   *
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for a key, a header or a body that cannot be sent
   */
  put(request: PutObjectRequest): Promise<PutObjectResponse> {
    return putObject(this.#connection, request)
  }

  /**
   * Reads the stored bytes of an object, or a range of them.
   *
   * Read the body to its end or return its iterator. Until then it holds a connection.
   */
  get(request: GetObjectRequest): Promise<GetObjectResponse> {
    return getObject(this.#connection, request)
  }

  /**
   * Reads an object, or a range of it, through a presigned URL of this bucket or of another one. It needs no
   * credentials and signs nothing. Handle the body as that of `get`.
   *
   * @throws TransportError, which does not contain the URL; `ERR_CSE_ACCESS_DENIED` when the URL has expired
   */
  getByUrl(request: GetByUrlRequest): Promise<GetObjectResponse> {
    return getByUrl(this.#connection, request)
  }

  /** Reads the headers of an object. */
  head(request: HeadObjectRequest): Promise<HeadObjectResponse> {
    return headObject(this.#connection, request)
  }

  /** Reads the target of a symbolic link. */
  getSymlink(request: SymlinkRequest): Promise<SymlinkResponse> {
    return getSymlink(this.#connection, request)
  }

  /**
   * Starts a multipart upload. Pass all headers of the object here.
   *
   * @returns also the headers of the response
   */
  initiate(request: InitiateUploadRequest): Promise<{
    readonly uploadId: string
    readonly headers: HeaderMap
  }> {
    return initiateUpload(this.#connection, request)
  }

  /**
   * Stores one part.
   *
   * @returns also the headers of the response
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` also when the body's `sizeBytes` is missing
   */
  uploadPart(request: UploadPartRequest): Promise<UploadedPart & { readonly headers: HeaderMap }> {
    return uploadPart(this.#connection, request)
  }

  /** Completes a multipart upload: makes the object from its parts. Sends only the headers of this request. */
  complete(request: CompleteUploadRequest): Promise<PutObjectResponse> {
    return completeUpload(this.#connection, request)
  }

  /** Aborts a multipart upload and frees its parts. Other uploads of the same client continue. */
  abort(request: UploadReference): Promise<void> {
    return abortUpload(this.#connection, request)
  }

  /** Lists the stored parts of an upload, up to 1,000 per page. */
  listParts(request: ListPartsRequest): Promise<PartPage> {
    return listParts(this.#connection, request)
  }

  /** Lists the unfinished multipart uploads of the bucket, up to 1,000 per page. */
  listUploads(request: ListUploadsRequest): Promise<PendingUploadPage> {
    return listUploads(this.#connection, request)
  }

  /** Lists objects, ordered by the bytes of their keys. */
  list(request: ListObjectsRequest): Promise<ObjectPage> {
    return listObjects(this.#connection, request)
  }

  /** Deletes one object, or one version of it. An object that does not exist counts as deleted. */
  delete(request: DeleteObjectRequest): Promise<void> {
    return deleteObject(this.#connection, request)
  }

  /**
   * Deletes up to 1,000 objects in one request. Each key with control characters takes its own request, because XML
   * cannot carry them.
   *
   * @returns the keys that the service reports as deleted
   */
  deleteMany(request: DeleteObjectsRequest): Promise<readonly string[]> {
    return deleteObjects(this.#connection, request)
  }

  /**
   * Copies an object on the server, with its metadata and so with its envelope.
   *
   * @throws CseError `ERR_CSE_OPERATION_REFUSED` for headers that would replace the metadata
   */
  copy(request: CopyObjectRequest): Promise<PutObjectResponse> {
    return copyObject(this.#connection, request)
  }

  /**
   * Lists all versions of objects, and delete markers, ordered by the bytes of their keys, and for each key from the
   * newest to the oldest.
   *
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for `versionIdMarker` without `keyMarker`
   */
  listVersions(request: ListVersionsRequest): Promise<VersionPage> {
    return listVersions(this.#connection, request)
  }

  /** Tells whether the bucket keeps versions. */
  getVersioning(options: CallOptions = {}): Promise<BucketVersioning> {
    return getVersioning(this.#connection, options)
  }

  /** Reads the ACL of an object. */
  getObjectAcl(request: ObjectSettingsRequest): Promise<ObjectAcl> {
    return getObjectAcl(this.#connection, request)
  }

  /** Reads the tags of an object. */
  getObjectTags(request: ObjectSettingsRequest): Promise<readonly ObjectTag[]> {
    return getObjectTags(this.#connection, request)
  }

  /**
   * Signs a request that a worker thread sends. Resolves with `undefined` for a client that has agents of the app, or
   * whose methods the app replaced.
   *
   * @throws CseError as the request itself, before it is sent
   */
  workerSide(request: WorkerSideRequest): Promise<WorkerSide | undefined> {
    return workerSide(this.#connection, request)
  }

  /** Creates the transport's bucket in the region of the endpoint. */
  createBucket(options: CreateBucketOptions = {}): Promise<void> {
    return createBucket(this.#connection, options)
  }

  /**
   * Reads the CORS rules of the bucket. A bucket without rules has an empty list.
   *
   * @throws TransportError `ERR_CSE_SERVICE` also for rules with an element that is not known, because `putCors` would
   *   drop it
   */
  getCors(options: CallOptions = {}): Promise<CorsConfiguration> {
    return getCors(this.#connection, options)
  }

  /**
   * Replaces the CORS rules of the bucket.
   *
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for an empty list of rules
   */
  putCors(configuration: CorsConfiguration, options: CallOptions = {}): Promise<void> {
    return putCors(this.#connection, configuration, options)
  }
}
