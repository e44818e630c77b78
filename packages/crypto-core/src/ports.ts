import type { Envelope } from './envelope.ts'
import type { MaterialDescription } from './material-description.ts'

/** What every call that waits accepts. */
export interface CallOptions {
  /** Cancels the call: it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

/** What every call of a bucket accepts. */
export interface BoundedCallOptions extends CallOptions {
  /**
   * How long the whole call may take, in milliseconds: requests, retries and the waits between them, the caller's own
   * source or target, and the reading of a body that it returns. A whole number from 1 to 2**31 - 1. When it passes, the
   * call ends as by an abort and rejects with `ERR_CSE_DEADLINE_EXCEEDED`. Absent: there is no limit on the whole.
   */
  readonly deadlineMs?: number | undefined
}

/** The object whose content key a master key makes or unwraps. */
export interface ObjectReference {
  /**
   * Names the bucket and where it is, as `ObjectTransport.location` does. Of a presigned URL its origin; absent where the
   * transport has no location.
   */
  readonly location?: string | undefined
  /** The object's key; of a presigned URL its path. Behind a symbolic link, the key of the link's target. */
  readonly key: string
  /** The version that was asked for, in a versioned bucket. */
  readonly versionId?: string | undefined
}

/** What a master key is told beside what it works on. */
export interface MasterKeyCallOptions extends CallOptions {
  /**
   * The object that the key is for, so that a key service can authorize by object. It is what the caller asked for and is not
   * bound to the envelope: a service that must be sure reads the envelope from the bucket itself.
   */
  readonly object?: ObjectReference | undefined
}

/** A content key and its initial counter block, in clear. The keyring copies both and has its copies wiped. */
export interface ContentKey {
  /** The content encryption key: 32 bytes. */
  readonly cek: Uint8Array
  /** The initial 128-bit counter block: 16 bytes. */
  readonly iv: Uint8Array
}

/** What signs the requests to a service: of a user, or temporary (STS) with a token. */
export interface AccessCredentials {
  readonly accessKeyId: string
  readonly accessKeySecret: string
  /** The token of temporary credentials. */
  readonly securityToken?: string | undefined
}

/**
 * Gives the credentials of the moment, and newer ones before those expire. It is asked often, and is expected to
 * cache. A `Credential` of `@alicloud/credentials` is one, as it is: what it gives is checked when it is used.
 */
export interface CredentialsProvider {
  getCredential(): Promise<{
    readonly accessKeyId?: string | undefined
    readonly accessKeySecret?: string | undefined
    readonly securityToken?: string | undefined
  }>
}

/** A new content key, in clear and wrapped. */
export interface GeneratedContentKey {
  /** The content encryption key: 32 bytes, fresh and random for each call. The keyring copies it. */
  readonly cek: Uint8Array
  /** The wrapped CEK as the header will hold it (printable ASCII, normally base64). */
  readonly wrappedCek: string
  /** The wrapped IV as the header will hold it; of a V1 envelope the wrapped start value. */
  readonly wrappedIv: string
}

/**
 * A master key: wraps content keys, and unwraps them unless it holds only the public half.
 *
 * A provider never chooses whether it is the right one for an object: the keyring selects by wrap algorithm
 * and material description, and the provider unwraps or throws.
 */
export interface MasterKeyProvider {
  /** The algorithm's name as it stands in the envelope. Compared case-insensitively. */
  readonly wrapAlgorithm: string
  /** Names this key in the envelopes that it writes; `{}` names nothing. */
  readonly materialDescription: MaterialDescription
  /** False when this provider can only encrypt (a public key alone). Absent means true. */
  readonly canUnwrap?: boolean | undefined
  /**
   * Further wrap algorithms whose envelopes `unwrap` takes, beside `wrapAlgorithm`: what the same key is called in
   * envelopes of another generation, for instance.
   */
  readonly alsoUnwraps?: readonly string[] | undefined
  /** The generation of the envelopes that it writes. Default 2; 1 is for readers that know no other (oss2 2.5 to 2.10). */
  readonly envelopeVersion?: 1 | 2 | undefined
  /**
   * Makes a CEK, or has one made, and wraps it and `iv`. Called once per object.
   *
   * @param iv - the 16-byte counter block to wrap; where `envelopeVersion` is 1 it is a start value, see `formatV1Start`
   */
  generateContentKey(iv: Uint8Array, options?: MasterKeyCallOptions): Promise<GeneratedContentKey>
  /**
   * Unwraps an envelope's content key: a 32-byte CEK and a 16-byte IV.
   *
   * @throws CseError `ERR_CSE_UNWRAP_FAILED`, always the same whatever went wrong inside, when the envelope
   * and this key do not fit; `ERR_CSE_CANNOT_UNWRAP` when this provider only encrypts; a TransportError
   * when a remote key service could not answer.
   */
  unwrap(envelope: Envelope, options?: MasterKeyCallOptions): Promise<ContentKey>
}

/** Header names in lower case, values as text. */
export type HeaderMap = Readonly<Record<string, string>>

/**
 * Bytes on their way to the service. A transport calls `open` exactly once per request, and MUST read the bytes to their
 * end before it reports success: it asks until the iterator says `done`, also when it has as many bytes as `sizeBytes`
 * says. Only the end tells that the source has no more, and that its own checks hold.
 */
export interface ObjectBody {
  /** The exact length in bytes, when it is known. */
  readonly sizeBytes?: number | undefined
  /** Opens the bytes for one pass. The transport returns the iterator early when it gives up. */
  open(): AsyncIterable<Uint8Array>
}

/** A request with a body, and who wants to know how much of it has left. */
export interface UploadRequest extends CallOptions {
  readonly headers: HeaderMap
  readonly body: ObjectBody
  /**
   * Called with the number of bytes of the body that have left so far, never with less than before. A transport that
   * reports them calls it with 0 before it opens the body: from then on its figures count. One that never calls it is
   * taken to send bytes as it pulls them. What it throws is ignored.
   */
  readonly onSentBytes?: ((sentBytes: number) => void) | undefined
}

/** A PUT of one object. */
export interface PutObjectRequest extends UploadRequest {
  /** The object's key. */
  readonly key: string
}

/** The service's answer to a successful PUT. */
export interface PutObjectResponse {
  readonly status: number
  readonly headers: HeaderMap
  /** The answer's body: what the callback server said, when a callback was asked for. */
  readonly data?: Uint8Array | undefined
}

/** A GET of one object. */
export interface GetObjectRequest extends CallOptions {
  readonly key: string
  /** Sent as they are: `range`, `if-match` and their like. */
  readonly headers: HeaderMap
  /** One version of an object in a versioned bucket. */
  readonly versionId?: string | undefined
}

/** The service's answer to a successful GET: 200 with the whole object, or 206 with a range of it. */
export interface GetObjectResponse {
  readonly status: number
  readonly headers: HeaderMap
  /**
   * The stored bytes, unchanged (never decompressed), in order. Returning its iterator closes the connection, also
   * before the first step.
   */
  readonly body: AsyncIterable<Uint8Array>
}

/** A HEAD of one object. */
export interface HeadObjectRequest extends CallOptions {
  readonly key: string
  readonly headers: HeaderMap
  readonly versionId?: string | undefined
}

/** The service's answer to a successful HEAD. */
export interface HeadObjectResponse {
  readonly status: number
  readonly headers: HeaderMap
}

/**
 * Where objects are stored: one object at a time. Failures reject with a TransportError, judged as `judgeFailure` does; a
 * success that is not a response of the service (it has no `x-oss-request-id`, or a PUT no ETag) with `ERR_CSE_SERVICE`. A
 * body that fails, that gives something else than bytes, or that has another length than its `sizeBytes` rejects with
 * `ERR_CSE_SOURCE`, with the source's own error as `cause`; an aborted call rejects with the signal's reason.
 */
export interface ObjectTransport {
  /**
   * Names the bucket and where it is, such as `https://oss-cn-hangzhou.aliyuncs.com/my-bucket`, so that a checkpoint
   * is never taken for one of another bucket. Without credentials.
   */
  readonly location?: string | undefined
  put(request: PutObjectRequest): Promise<PutObjectResponse>
  get(request: GetObjectRequest): Promise<GetObjectResponse>
  head(request: HeadObjectRequest): Promise<HeadObjectResponse>
  /**
   * Reads where a symbolic link points to. The service answers a GET or HEAD of a link with the link's own metadata, so that
   * the envelope of its target has to be asked for by the target's name. Without this a link is refused.
   */
  getSymlink?(request: SymlinkRequest): Promise<SymlinkResponse>
}

/** A GET of a URL that carries its own signature. */
export interface GetByUrlRequest extends CallOptions {
  /** It is a secret as long as it is valid. */
  readonly url: URL
  /** Sent as they are, and no other header of the service: the signature covers each of them. */
  readonly headers: HeaderMap
}

/**
 * Reads an object through a presigned URL. A transport of any kind may have it; one that has nothing else reads URLs alone.
 */
export interface UrlTransport {
  /**
   * Sends a plain GET to the URL's own host, without credentials, and follows no redirect. The body is as of
   * `ObjectTransport.get`: the stored bytes, never decompressed.
   *
   * Rejects with a TransportError, judged as `judgeFailure` does, unless the response is a 200 or 206 and is the service's
   * own; with `ERR_CSE_OPERATION_REFUSED` where the runtime has decompressed the bytes; with the signal's reason when that
   * aborts. No error names the URL or a part of its query, and none shows text of the response that may repeat them.
   */
  getByUrl(request: GetByUrlRequest): Promise<GetObjectResponse>
}

/** Asks where a symbolic link points to. */
export interface SymlinkRequest extends CallOptions {
  readonly key: string
  /** Sent as they are: who pays for the request, for instance. */
  readonly headers: HeaderMap
  readonly versionId?: string | undefined
}

/** Where a symbolic link points to. */
export interface SymlinkResponse {
  /** The key of the target, in the same bucket. */
  readonly targetKey: string
}

/** A multipart upload on the server. */
export interface UploadReference extends CallOptions {
  readonly key: string
  readonly uploadId: string
  /** Sent as they are: who pays for the request, for instance. */
  readonly headers?: HeaderMap | undefined
}

/** One finished part. */
export interface UploadedPart {
  /** 1 to 10,000. */
  readonly partNumber: number
  readonly etag: string
  readonly sizeBytes?: number | undefined
  /** The CRC-64 of the part's stored bytes, when the service told it. */
  readonly crc64?: bigint | undefined
}

/** One page of the parts of an upload: at most 1,000, in the order of their numbers, and behind those of the pages before. */
export interface PartPage {
  readonly parts: readonly UploadedPart[]
  /** Pass as `marker` for the next page; absent on the last. */
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
   * Pass both as `keyMarker` and `uploadIdMarker` for the next page; absent on the last. The key comes behind the one that was
   * asked for, in byte order, or is the same one, with an upload id behind the one that was asked for.
   */
  readonly nextKeyMarker?: string | undefined
  readonly nextUploadIdMarker?: string | undefined
}

/** Begins a multipart upload. */
export interface InitiateUploadRequest extends CallOptions {
  readonly key: string
  /** All of them: they become the object's. */
  readonly headers: HeaderMap
}

/** Stores one part of a multipart upload. */
export interface UploadPartRequest extends UploadReference, UploadRequest {
  readonly headers: HeaderMap
  /** 1 to 10,000. */
  readonly partNumber: number
}

/** Makes the object out of the parts of a multipart upload. */
export interface CompleteUploadRequest extends UploadReference {
  /** In the order of their numbers. */
  readonly parts: readonly UploadedPart[]
  readonly headers: HeaderMap
}

/** Asks for a page of the parts of a multipart upload. */
export interface ListPartsRequest extends UploadReference {
  /** The `nextMarker` of the page before; absent for the first. */
  readonly marker?: string | undefined
}

/** Asks for a page of the bucket's unfinished uploads. */
export interface ListUploadsRequest extends CallOptions {
  readonly prefix?: string | undefined
  /** The `nextKeyMarker` of the page before; absent for the first. */
  readonly keyMarker?: string | undefined
  /** The `nextUploadIdMarker` of the page before. */
  readonly uploadIdMarker?: string | undefined
}

/** Multipart uploads. Errors as for ObjectTransport. */
export interface MultipartTransport {
  initiate(request: InitiateUploadRequest): Promise<{ readonly uploadId: string }>
  uploadPart(request: UploadPartRequest): Promise<UploadedPart>
  complete(request: CompleteUploadRequest): Promise<PutObjectResponse>
  abort(request: UploadReference): Promise<void>
  listParts(request: ListPartsRequest): Promise<PartPage>
  listUploads(request: ListUploadsRequest): Promise<PendingUploadPage>
}

/** One object in a listing. Sizes are the stored ones, which AES-CTR leaves equal to the plaintext's. */
export interface ObjectSummary {
  readonly key: string
  readonly sizeBytes: number
  readonly etag: string
  readonly lastModified: Date
  readonly storageClass?: string | undefined
}

/**
 * One page of a listing: at most `maxKeys` objects and prefixes together, in byte order, and behind those of the pages before.
 */
export interface ObjectPage {
  readonly objects: readonly ObjectSummary[]
  /** With a delimiter: the common prefixes, each ending with it. */
  readonly prefixes: readonly string[]
  /** Pass as `continuationToken` for the next page: another one than this page was asked for with; absent on the last. */
  readonly nextContinuationToken?: string | undefined
}

/** Asks for a page of the bucket's objects. */
export interface ListObjectsRequest extends CallOptions {
  readonly prefix?: string | undefined
  /** Folds the keys that share what stands before it, behind the prefix, into one entry. */
  readonly delimiter?: string | undefined
  /** Only keys behind this one, in byte order. */
  readonly startAfter?: string | undefined
  /** 1 to 1,000. */
  readonly maxKeys?: number | undefined
  /** The `nextContinuationToken` of the page before; absent for the first. */
  readonly continuationToken?: string | undefined
}

/** Deletes one object, or one version of it. */
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
  /** The bucket of the source; absent means the same bucket. */
  readonly sourceBucket?: string | undefined
  readonly key: string
  readonly headers: HeaderMap
}

/** What a bucket holds. Errors as for ObjectTransport. */
export interface ObjectCatalog {
  list(request: ListObjectsRequest): Promise<ObjectPage>
  /** Deletes one object; one that does not exist counts as deleted. */
  delete(request: DeleteObjectRequest): Promise<void>
  /** Deletes up to 1,000 objects and returns those of the keys that the service reports as deleted, each once. */
  deleteMany(request: DeleteObjectsRequest): Promise<readonly string[]>
  /** Copies on the server, metadata included. */
  copy(request: CopyObjectRequest): Promise<PutObjectResponse>
}
