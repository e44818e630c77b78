import type { Envelope } from './envelope.ts'
import type { MaterialDescription } from './material-description.ts'

/** Options of a call that can wait. */
export interface CallOptions {
  /** Cancels the call. It then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

/** Options of each call of a bucket. */
export interface BoundedCallOptions extends CallOptions {
  /**
   * The time limit of the whole call in milliseconds: a whole number from 1 to 2**31 - 1. It covers requests, retries,
   * the waits between them, your own source or target, and the reading of a returned body. When the time is over, the
   * call stops as if it were aborted, and rejects with `ERR_CSE_DEADLINE_EXCEEDED`. Default: no limit.
   */
  readonly deadlineMs?: number | undefined
}

/** The object whose content key a master key makes or unwraps. */
export interface ObjectReference {
  /**
   * The bucket and its server, in the form of `ObjectTransport.location`. For a presigned URL: its origin. Absent if
   * the transport has no location.
   */
  readonly location?: string | undefined
  /** The object's key. For a presigned URL: its path. For a symbolic link: the key of its target. */
  readonly key: string
  /** The requested version, in a versioned bucket. */
  readonly versionId?: string | undefined
}

/** Options of a call of a master key. */
export interface MasterKeyCallOptions extends CallOptions {
  /**
   * The object that the key is for. A key service can use it to authorize by object. It is what the caller asked for,
   * and it is not bound to the envelope. A service that must be sure reads the envelope from the bucket itself.
   */
  readonly object?: ObjectReference | undefined
  /**
   * True in a keyring with a sealed-only key: the call must fail if it is not certain that the key of `keyIdentity` was used, as
   * when the response of a key service names none. Default false.
   */
  readonly identified?: boolean | undefined
}

/**
 * A content key and its initial counter block, in plaintext. The keyring copies both, and its copies are wiped after
 * use.
 */
export interface ContentKey {
  /** The content encryption key: 32 bytes. */
  readonly cek: Uint8Array
  /** The initial 128-bit counter block: 16 bytes. */
  readonly iv: Uint8Array
}

/** Credentials that sign the requests to a service: those of a user, or temporary ones (STS) with a token. */
export interface AccessCredentials {
  readonly accessKeyId: string
  readonly accessKeySecret: string
  /** The token of temporary credentials. */
  readonly securityToken?: string | undefined
  /** When temporary credentials expire, if that is known. */
  readonly expiration?: Date | undefined
}

/**
 * Returns the current credentials, and newer ones before those expire. It is called often, so it should cache them. A
 * `Credential` of `@alicloud/credentials` is a `CredentialsProvider`. The library checks each returned value before it
 * uses it.
 */
export interface CredentialsProvider {
  getCredential(): Promise<{
    readonly accessKeyId?: string | undefined
    readonly accessKeySecret?: string | undefined
    readonly securityToken?: string | undefined
    /**
     * When they expire: a date, its ISO 8601 text as STS returns it, or milliseconds since 1970. They are then kept
     * until five minutes before. Anything else counts as unknown.
     */
    readonly expiration?: Date | string | number | undefined
  }>
}

/** A content key as an envelope holds it. */
export interface WrappedContentKey {
  /** The wrapped CEK as the header holds it: printable ASCII, normally base64. */
  readonly wrappedCek: string
  /** The wrapped IV as the header holds it. In a V1 envelope: the wrapped start value. */
  readonly wrappedIv: string
}

/** A new content key, in plaintext and wrapped. */
export interface GeneratedContentKey extends WrappedContentKey {
  /** The content encryption key: 32 bytes, fresh and random for each call. The keyring copies it. */
  readonly cek: Uint8Array
}

/**
 * A master key. It wraps content keys, and unwraps them unless it holds only the public half.
 *
 * A provider does not decide whether it is the right one for an object. The keyring selects it by wrap algorithm and
 * material description. The provider then unwraps, or throws.
 */
export interface MasterKeyProvider {
  /** The algorithm's name in the envelope. Compared case-insensitively. */
  readonly wrapAlgorithm: string
  /** Names this key in the envelopes that it writes. `{}` means no description. */
  readonly materialDescription: MaterialDescription
  /** False if this provider can only encrypt (it has only a public key). Default true. */
  readonly canUnwrap?: boolean | undefined
  /**
   * True if `unwrap` works only for the key of a stored object, as with a key server that reads the envelope from the bucket. A
   * program that was interrupted can then resume an upload only from a checkpoint store with local keys. Default false.
   */
  readonly unwrapsStoredOnly?: boolean | undefined
  /**
   * Other wrap algorithms whose envelopes `unwrap` accepts, in addition to `wrapAlgorithm`. Example: the name of the
   * same key in envelopes of another version.
   */
  readonly alsoUnwraps?: readonly string[] | undefined
  /**
   * The version of the envelopes that this provider writes. Default 2. Version 1 is for readers that know no other:
   * oss2 2.5 to 2.10.
   */
  readonly envelopeVersion?: 1 | 2 | undefined
  /**
   * Which master key this is: the same text for each provider that unwraps what this key wrapped, and for no other. `unwrap` MUST
   * refuse what another key wrapped. Of an RSA key `rsa:` and the SHA-256 of its public half (SPKI) in hex; of a KMS key
   * `kms:` and its id. Required in a keyring with a sealed-only key.
   */
  readonly keyIdentity?: string | undefined
  /**
   * Makes a CEK, or has one made, and wraps it and `iv`. Called once per object.
   *
   * @param iv - the 16-byte counter block to wrap. With `envelopeVersion` 1 it is a start value, see `formatV1Start`
   */
  generateContentKey(iv: Uint8Array, options?: MasterKeyCallOptions): Promise<GeneratedContentKey>
  /**
   * Unwraps an envelope's content key: a 32-byte CEK and a 16-byte IV.
   *
   * @throws CseError `ERR_CSE_UNWRAP_FAILED` when the envelope and this key do not match. It is the same error whatever
   * went wrong inside. `ERR_CSE_CANNOT_UNWRAP` when this provider only encrypts. A TransportError when a remote key
   * service could not respond.
   */
  unwrap(envelope: Envelope, options?: MasterKeyCallOptions): Promise<ContentKey>
  /**
   * Unwraps with implicit rejection: a wrapped value that does not unwrap is replaced by one of the same length, which follows
   * from the value and the master key alone. Never throws `ERR_CSE_UNWRAP_FAILED`. An RSA key should have it: where only sealed
   * objects are read, nobody then learns which unwraps fail. Without it the keyring makes the replacements, which differ from
   * process to process.
   */
  unwrapWithImplicitRejection?(envelope: Envelope, options?: MasterKeyCallOptions): Promise<ContentKey>
  /**
   * Wraps the content key of an existing object, in the form of `generateContentKey`. `Keyring.rewrap` calls it. Without it, no
   * object can be moved to this key without a new upload. It MUST NOT change the bytes, which the keyring overwrites when the call
   * has ended.
   *
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when the CEK has not 32 bytes or the IV not 16, before any request.
   * `ERR_CSE_OPERATION_REFUSED` when this provider writes V1 envelopes, which can hold only ten counter blocks. A
   * TransportError when a remote key service could not respond.
   */
  wrap?(contentKey: ContentKey, options?: MasterKeyCallOptions): Promise<WrappedContentKey>
}

/** Header names in lower case, and their values. */
export type HeaderMap = Readonly<Record<string, string>>

/** Bytes in order, chunk by chunk. */
export interface ByteChunks extends AsyncIterable<Uint8Array> {
  /**
   * Takes back a chunk that these bytes returned, so that its memory is free at once. Its reader should call it when it
   * no longer needs the chunk: a transport when the bytes have left, the bucket when they are decrypted. Afterwards it
   * MUST NOT read the chunk or a part of it. A reader that keeps chunks, or passes them on, does not call it; the
   * garbage collector then frees them.
   */
  recycle?(chunk: Uint8Array): void
}

/**
 * The bytes of an upload. A transport calls `open` exactly once per request. It MUST read the bytes to their end before
 * it reports success: it calls `next` until the iterator is done, even when it already has `sizeBytes` bytes. Only the
 * end shows that the source has no more bytes, and that its own checks passed.
 */
export interface ObjectBody {
  /** The exact length in bytes, if it is known. */
  readonly sizeBytes?: number | undefined
  /** Opens the bytes for one pass. A transport that stops early calls `return` on the iterator. */
  open(): ByteChunks
}

/** A request with a body, and an optional listener for its progress. */
export interface UploadRequest extends CallOptions {
  readonly headers: HeaderMap
  readonly body: ObjectBody
  /**
   * Called with the number of body bytes sent so far. The number never decreases. A transport that reports progress
   * first calls it with 0, before it opens the body. From then on its numbers count. If a transport never calls it,
   * bytes count as sent when they are pulled. Errors that it throws are ignored.
   */
  readonly onSentBytes?: ((sentBytes: number) => void) | undefined
}

/** A PUT of one object. */
export interface PutObjectRequest extends UploadRequest {
  /** The object's key. */
  readonly key: string
}

/** The response to a successful PUT, copy or completion. */
export interface PutObjectResponse {
  readonly status: number
  /** In a bucket that keeps versions, `x-oss-version-id` is the id of the new version. */
  readonly headers: HeaderMap
  /** The response's body: what the callback server returned, if the request had a callback. */
  readonly data?: Uint8Array | undefined
}

/** A GET of one object. */
export interface GetObjectRequest extends CallOptions {
  readonly key: string
  /** Sent unchanged. Examples: `range`, `if-match`. */
  readonly headers: HeaderMap
  /** One version of an object in a versioned bucket. */
  readonly versionId?: string | undefined
}

/** The response to a successful GET: 200 with the whole object, or 206 with a range of it. */
export interface GetObjectResponse {
  readonly status: number
  readonly headers: HeaderMap
  /**
   * The stored bytes in order, unchanged (never decompressed). `return` on the iterator closes the connection, even
   * before the first `next`.
   */
  readonly body: ByteChunks
}

/** A HEAD of one object. */
export interface HeadObjectRequest extends CallOptions {
  readonly key: string
  readonly headers: HeaderMap
  readonly versionId?: string | undefined
}

/** The response to a successful HEAD. */
export interface HeadObjectResponse {
  readonly status: number
  readonly headers: HeaderMap
}

/**
 * Stores and reads single objects.
 *
 * - A failed request rejects with a TransportError, with the code that `judgeFailure` returns.
 * - A successful response that is not from the service (without `x-oss-request-id`, or a PUT without ETag) rejects with
 *   `ERR_CSE_SERVICE`.
 * - A body that fails, that yields something other than bytes, or whose length is not `sizeBytes` rejects with
 *   `ERR_CSE_SOURCE`. The error of the source is its `cause`.
 * - An aborted call rejects with the signal's reason.
 */
export interface ObjectTransport {
  /**
   * Identifies the bucket and its server, such as `https://oss-cn-hangzhou.aliyuncs.com/my-bucket`, without
   * credentials. It keeps a checkpoint from being used for another bucket.
   */
  readonly location?: string | undefined
  put(request: PutObjectRequest): Promise<PutObjectResponse>
  get(request: GetObjectRequest): Promise<GetObjectResponse>
  head(request: HeadObjectRequest): Promise<HeadObjectResponse>
  /**
   * Reads the target of a symbolic link. The service returns the link's own metadata to a GET or HEAD of a link, so the
   * envelope must be requested by the target's name. Without this method, links are refused.
   */
  getSymlink?(request: SymlinkRequest): Promise<SymlinkResponse>
  /**
   * Prepares a request that a worker thread then sends, so that the bytes need not cross threads. Resolves with
   * `undefined` if only this thread can send the request. Rejects as the request itself would before it is sent.
   */
  workerSide?(request: WorkerSideRequest): Promise<WorkerSide | undefined>
}

/** A request that a worker thread is to send. */
export type WorkerSideRequest =
  | (GetObjectRequest & { readonly operation: 'get' })
  | (Omit<PutObjectRequest, 'body' | 'onSentBytes'> & {
      readonly operation: 'put'
      /** The length of the body in bytes. */
      readonly sizeBytes: number
    })
  | (Omit<UploadPartRequest, 'body' | 'onSentBytes'> & {
      readonly operation: 'uploadPart'
      /** The length of the body in bytes. */
      readonly sizeBytes: number
    })

/** A request, ready to be sent once, by any thread. */
export interface WorkerSide {
  /** The URL of an ES module that the worker imports. It exports the functions of `WorkerSideModule`. */
  readonly module: string
  /**
   * What those functions take: a value for `structuredClone`, with signed headers or with what signs them. It never
   * contains a content key or a master key.
   */
  readonly data: unknown
  /** Called with the error of the request, in the thread that prepared it. Returns the error to throw. */
  readonly failed?: ((error: unknown) => unknown) | undefined
  /** Called with the response to an upload, in the thread that prepared it, before anybody else sees it. */
  readonly stored?: ((response: PutObjectResponse) => void | Promise<void>) | undefined
}

/**
 * Sends requests that `workerSide` prepared. Works with ciphertext only. The functions obey the rules of
 * `ObjectTransport`: those of its `get`, and those of its `put`, also for a part. They resolve with `undefined`, before they
 * send anything, if the thread that prepared the request must send it itself.
 */
export interface WorkerSideModule {
  get(data: unknown, options: CallOptions): Promise<GetObjectResponse | undefined>
  put(data: unknown, options: Omit<UploadRequest, 'headers'>): Promise<PutObjectResponse | undefined>
}

/** A GET of a URL that carries its own signature. */
export interface GetByUrlRequest extends CallOptions {
  /** A secret while it is valid. */
  readonly url: URL
  /** Sent unchanged. A transport adds no other header of the service, because the signature covers each of them. */
  readonly headers: HeaderMap
}

/**
 * Reads objects through presigned URLs. Any transport may implement it. A transport that implements only this one can
 * read only URLs.
 */
export interface UrlTransport {
  /**
   * Sends a plain GET to the URL's own host, without credentials. It follows no redirect. The body is the same as that
   * of `ObjectTransport.get`: the stored bytes, never decompressed.
   *
   * @throws TransportError with the code that `judgeFailure` returns, unless the response is a 200 or 206 of the
   * service; `ERR_CSE_OPERATION_REFUSED` when the runtime has decompressed the bytes; the signal's reason when it
   * aborts. No error contains the URL, a part of its query, or text of the response that may repeat them.
   */
  getByUrl(request: GetByUrlRequest): Promise<GetObjectResponse>
}

/** A request for the target of a symbolic link. */
export interface SymlinkRequest extends CallOptions {
  readonly key: string
  /** Sent unchanged. Example: who pays for the request. */
  readonly headers: HeaderMap
  readonly versionId?: string | undefined
}

/** The target of a symbolic link. */
export interface SymlinkResponse {
  /** The key of the target, in the same bucket. */
  readonly targetKey: string
}

/** A multipart upload on the server. */
export interface UploadReference extends CallOptions {
  readonly key: string
  readonly uploadId: string
  /** Sent unchanged. Example: who pays for the request. */
  readonly headers?: HeaderMap | undefined
}

/** One finished part. */
export interface UploadedPart {
  /** 1 to 10,000. */
  readonly partNumber: number
  readonly etag: string
  readonly sizeBytes?: number | undefined
  /** The CRC-64 of the part's stored bytes, if the service returned it. */
  readonly crc64?: bigint | undefined
}

/** One page of the parts of an upload: at most 1,000, sorted by number, after those of the previous pages. */
export interface PartPage {
  readonly parts: readonly UploadedPart[]
  /** Pass it as `marker` to get the next page. Absent on the last page. */
  readonly nextMarker?: string | undefined
}

/** One unfinished upload. */
export interface PendingUpload {
  readonly key: string
  readonly uploadId: string
  readonly initiated?: Date | undefined
}

/** One page of unfinished uploads: at most 1,000. */
export interface PendingUploadPage {
  readonly uploads: readonly PendingUpload[]
  /**
   * Pass both as `keyMarker` and `uploadIdMarker` to get the next page. Absent on the last page. The key comes after
   * the requested one in byte order. Or it is the same key, and the upload id comes after the requested one.
   */
  readonly nextKeyMarker?: string | undefined
  readonly nextUploadIdMarker?: string | undefined
}

/** Initiates a multipart upload. */
export interface InitiateUploadRequest extends CallOptions {
  readonly key: string
  /** All headers of the object. */
  readonly headers: HeaderMap
}

/** Stores one part of a multipart upload. */
export interface UploadPartRequest extends UploadReference, UploadRequest {
  readonly headers: HeaderMap
  /** 1 to 10,000. */
  readonly partNumber: number
}

/** Completes a multipart upload: makes the object from its parts. */
export interface CompleteUploadRequest extends UploadReference {
  /** Sorted by number. */
  readonly parts: readonly UploadedPart[]
  readonly headers: HeaderMap
}

/** A request for one page of the parts of an upload. */
export interface ListPartsRequest extends UploadReference {
  /** The `nextMarker` of the previous page. Absent for the first page. */
  readonly marker?: string | undefined
}

/** A request for one page of the bucket's unfinished uploads. */
export interface ListUploadsRequest extends CallOptions {
  readonly prefix?: string | undefined
  /** The `nextKeyMarker` of the previous page. Absent for the first page. */
  readonly keyMarker?: string | undefined
  /** The `nextUploadIdMarker` of the previous page. */
  readonly uploadIdMarker?: string | undefined
}

/** Multipart uploads. It throws the same errors as `ObjectTransport`. */
export interface MultipartTransport {
  initiate(request: InitiateUploadRequest): Promise<{ readonly uploadId: string }>
  uploadPart(request: UploadPartRequest): Promise<UploadedPart>
  complete(request: CompleteUploadRequest): Promise<PutObjectResponse>
  abort(request: UploadReference): Promise<void>
  listParts(request: ListPartsRequest): Promise<PartPage>
  listUploads(request: ListUploadsRequest): Promise<PendingUploadPage>
}

/** One object of a listing. The size is the stored one. With AES-CTR the plaintext has the same size. */
export interface ObjectSummary {
  readonly key: string
  readonly sizeBytes: number
  readonly etag: string
  readonly lastModified: Date
  readonly storageClass?: string | undefined
}

/**
 * One page of a listing: at most `maxKeys` objects and prefixes together, in byte order, after those of the previous
 * pages.
 */
export interface ObjectPage {
  readonly objects: readonly ObjectSummary[]
  /** With a delimiter: the common prefixes. Each ends with the delimiter. */
  readonly prefixes: readonly string[]
  /**
   * Pass it as `continuationToken` to get the next page. It differs from the token of this page's request. Absent on
   * the last page.
   */
  readonly nextContinuationToken?: string | undefined
}

/** A request for one page of the bucket's objects. */
export interface ListObjectsRequest extends CallOptions {
  readonly prefix?: string | undefined
  /** Groups keys by the text between the prefix and the next delimiter: one entry per group. */
  readonly delimiter?: string | undefined
  /** Lists only keys after this one, in byte order. */
  readonly startAfter?: string | undefined
  /** 1 to 1,000. */
  readonly maxKeys?: number | undefined
  /** The `nextContinuationToken` of the previous page. Absent for the first page. */
  readonly continuationToken?: string | undefined
}

/**
 * Deletes one object, or one version of it. Without `versionId`, a bucket that keeps versions adds a delete marker. With
 * it, the version is gone for good, and so is a delete marker with this id.
 */
export interface DeleteObjectRequest extends CallOptions {
  readonly key: string
  readonly versionId?: string | undefined
}

/** Deletes several objects. */
export interface DeleteObjectsRequest extends CallOptions {
  /** At most 1,000. */
  readonly keys: readonly string[]
}

/** Copies an object on the server. */
export interface CopyObjectRequest extends CallOptions {
  readonly sourceKey: string
  /** The bucket of the source. Default: the same bucket. */
  readonly sourceBucket?: string | undefined
  /** The version to copy. Default: the newest version. */
  readonly sourceVersionId?: string | undefined
  readonly key: string
  /**
   * Sent unchanged, except for headers that would replace the metadata. Example: `x-oss-copy-source-if-match`, which
   * compares the ETag of the source. No header of the service compares what the copy overwrites.
   */
  readonly headers: HeaderMap
}

/** Lists, deletes and copies objects. It throws the same errors as `ObjectTransport`. */
export interface ObjectCatalog {
  list(request: ListObjectsRequest): Promise<ObjectPage>
  /** Deletes one object. It also succeeds if the object does not exist. */
  delete(request: DeleteObjectRequest): Promise<void>
  /** Deletes up to 1,000 objects. Returns the keys that the service reports as deleted, each once. */
  deleteMany(request: DeleteObjectsRequest): Promise<readonly string[]>
  /** Copies an object on the server, with its metadata. */
  copy(request: CopyObjectRequest): Promise<PutObjectResponse>
}

/**
 * Whether a bucket keeps versions. `Unversioned`: it never did, and a PUT overwrites. `Suspended`: it did, and keeps what
 * it has; a PUT overwrites only the version with the id `null`.
 */
export type BucketVersioning = 'Enabled' | 'Suspended' | 'Unversioned'

/** One version of an object, as a listing shows it. */
export interface ObjectVersion extends ObjectSummary {
  /** The text `null` for what was stored without versioning. */
  readonly versionId: string
  /** True for the version that a request without `versionId` reads. */
  readonly isLatest: boolean
  readonly isDeleteMarker: false
}

/** The mark of a deletion without `versionId`. While it is the latest, the object seems not to exist. */
export interface DeleteMarker {
  readonly key: string
  readonly versionId: string
  readonly isLatest: boolean
  readonly isDeleteMarker: true
  readonly lastModified: Date
}

/** A request for one page of the versions of a bucket's objects. */
export interface ListVersionsRequest extends CallOptions {
  readonly prefix?: string | undefined
  /**
   * The `nextKeyMarker` of the previous page. Absent for the first page. Without `versionIdMarker` the page starts
   * behind all versions of this key.
   */
  readonly keyMarker?: string | undefined
  /** The `nextVersionIdMarker` of the previous page. Only with `keyMarker`. */
  readonly versionIdMarker?: string | undefined
  /** 1 to 1,000. */
  readonly maxKeys?: number | undefined
}

/**
 * One page of versions: at most `maxKeys` entries. Keys are in byte order. Of one key, the newest version or delete
 * marker comes first, and the oldest last.
 */
export interface VersionPage {
  readonly versions: readonly (ObjectVersion | DeleteMarker)[]
  /**
   * Pass both as `keyMarker` and `versionIdMarker` to get the next page. Absent on the last page. Versions of one key
   * can be on several pages.
   */
  readonly nextKeyMarker?: string | undefined
  readonly nextVersionIdMarker?: string | undefined
}

/**
 * Reads what a bucket keeps of earlier versions. Any transport may implement it: see `hasVersionCatalog`. It throws the
 * same errors as `ObjectTransport`. An object that has only delete markers left is listed here, and not by
 * `ObjectCatalog.list`. A GET or HEAD of the id of a delete marker rejects with `ERR_CSE_SERVICE`, status 405.
 */
export interface VersionCatalog {
  listVersions(request: ListVersionsRequest): Promise<VersionPage>
  getVersioning(options?: CallOptions): Promise<BucketVersioning>
}

/** Who else can read or write an object. `default`: the bucket's ACL decides. */
export type ObjectAcl = 'default' | 'private' | 'public-read' | 'public-read-write'

/** A tag of an object. Upper and lower case differ. */
export interface ObjectTag {
  /** 1 to 128 characters. No other tag of the object has the same key. */
  readonly key: string
  /** At most 256 characters. */
  readonly value: string
}

/** A request for the ACL or the tags of one object. */
export interface ObjectSettingsRequest extends CallOptions {
  readonly key: string
  readonly versionId?: string | undefined
  /** Sent unchanged. Example: who pays for the request. */
  readonly headers?: HeaderMap | undefined
}

/**
 * Reads the settings of an object that no GET or HEAD returns. Any transport may implement it: see `hasObjectSettings`.
 * It throws the same errors as `ObjectTransport`.
 *
 * To set them, pass the headers `x-oss-object-acl` and `x-oss-tagging` (see `taggingHeader`) to `put`. In an upload in parts, the
 * tags belong to `initiate`, and the ACL to `complete`.
 * A `copy` takes its ACL from the same header. It keeps the tags of its source, unless `x-oss-tagging-directive` is
 * `Replace`.
 */
export interface ObjectSettings {
  getObjectAcl(request: ObjectSettingsRequest): Promise<ObjectAcl>
  /** At most 10 tags, in any order. Empty if there are none. */
  getObjectTags(request: ObjectSettingsRequest): Promise<readonly ObjectTag[]>
}
