import type {
  CompleteUploadRequest,
  CopyObjectRequest,
  DeleteObjectRequest,
  DeleteObjectsRequest,
  GetByUrlRequest,
  GetObjectRequest,
  GetObjectResponse,
  HeadObjectRequest,
  HeadObjectResponse,
  InitiateUploadRequest,
  ListObjectsRequest,
  ListPartsRequest,
  ListUploadsRequest,
  MultipartTransport,
  ObjectCatalog,
  ObjectPage,
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
} from '@oss-cse/crypto-core'
import { copyObject, deleteObject, deleteObjects, listObjects } from './calls/catalog-calls.ts'
import { getByUrl } from './calls/get-by-url.ts'
import {
  abortUpload,
  completeUpload,
  initiateUpload,
  listParts,
  listUploads,
  uploadPart,
} from './calls/multipart-calls.ts'
import { getObject, getSymlink, headObject, putObject } from './calls/object-calls.ts'
import { OssClient } from './http/oss-client.ts'
import { connect, type FetchTransportOptions } from './transport-options.ts'

/**
 * Reads and writes objects in a bucket of Alibaba Cloud OSS with `fetch`: in a page, a worker, Deno, Bun, Cloudflare
 * Workers or Node.js. It has no dependency on ali-oss.
 *
 * It holds the body of an upload in memory, at most 64 MiB, and sends it in one piece. It never retries, except once
 * with a corrected clock and once with renewed credentials, and then it sends the same bytes. `fetch` does not report
 * idle connections: limit a call with its `signal` or with the `deadlineMs` of the bucket's call.
 *
 * Every call rejects with a TransportError when the service or the network fails, with `ERR_CSE_SOURCE` (or the source's
 * own CseError) when the source of a body fails, and with the signal's reason when the signal aborts.
 *
 * @example
 * ```ts
 * const transport = new FetchTransport({
 *   bucket: 'my-bucket',
 *   region: 'cn-hangzhou',
 *   credentials: { getCredential: async () => (await fetch('/sts')).json() },
 * })
 * const { headers } = await transport.head({ key: 'report.pdf', headers: {} })
 * ```
 */
export class FetchTransport implements ObjectTransport, MultipartTransport, ObjectCatalog, UrlTransport {
  /** The name of the bucket. */
  readonly bucket: string
  /** The endpoint and the bucket. Checkpoints are bound to it. */
  readonly location: string
  readonly #client: OssClient

  /**
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for options that are missing or contradict each other;
   *   `ERR_CSE_OPERATION_REFUSED` with `credentials` in a page without WebCrypto, which is one that was loaded over http://
   */
  constructor(options: FetchTransportOptions) {
    const { site, authorizer } = connect(options)
    this.bucket = site.bucket
    this.location = site.location
    this.#client = new OssClient(site.bucket, authorizer)
  }

  /**
   * Stores one object in one request. The body is opened once and read to its end before anything is sent.
   *
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for a key, a header or a body that cannot be sent, and for a body of more
   *   than 64 MiB: use the bucket's `upload`
   */
  put(request: PutObjectRequest): Promise<PutObjectResponse> {
    return putObject(this.#client, request)
  }

  /**
   * Reads the stored bytes of an object, or a range of them. Read the body to its end or return its iterator. Until then
   * it holds a connection.
   *
   * An object with a Content-Encoding takes two requests, because `fetch` decodes such a response. The second one asks
   * the service to leave the header out.
   *
   * @throws CseError `ERR_CSE_OPERATION_REFUSED` if the service does not
   */
  get(request: GetObjectRequest): Promise<GetObjectResponse> {
    return getObject(this.#client, request)
  }

  /** Reads the headers of an object. */
  head(request: HeadObjectRequest): Promise<HeadObjectResponse> {
    return headObject(this.#client, request)
  }

  /** Reads the target of a symbolic link. */
  getSymlink(request: SymlinkRequest): Promise<SymlinkResponse> {
    return getSymlink(this.#client, request)
  }

  /** As `FetchUrlTransport.getByUrl`, of this bucket or of another one. It needs no credentials and signs nothing. */
  getByUrl(request: GetByUrlRequest): Promise<GetObjectResponse> {
    return getByUrl(request)
  }

  /** Starts a multipart upload. Pass all headers of the object here. */
  initiate(request: InitiateUploadRequest): Promise<{ readonly uploadId: string }> {
    return initiateUpload(this.#client, request)
  }

  /**
   * Stores one part. The body is read to its end before anything is sent.
   *
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` also for a body of more than 64 MiB: make smaller parts
   */
  uploadPart(request: UploadPartRequest): Promise<UploadedPart> {
    return uploadPart(this.#client, request)
  }

  /** Completes a multipart upload: makes the object from its parts. Sends only the headers of this request. */
  complete(request: CompleteUploadRequest): Promise<PutObjectResponse> {
    return completeUpload(this.#client, request)
  }

  /** Aborts a multipart upload and frees its parts. */
  abort(request: UploadReference): Promise<void> {
    return abortUpload(this.#client, request)
  }

  /** Lists the stored parts of an upload, up to 1,000 per page. */
  listParts(request: ListPartsRequest): Promise<PartPage> {
    return listParts(this.#client, request)
  }

  /** Lists the unfinished multipart uploads of the bucket, up to 1,000 per page. */
  listUploads(request: ListUploadsRequest): Promise<PendingUploadPage> {
    return listUploads(this.#client, request)
  }

  /** Lists objects, ordered by the bytes of their keys. */
  list(request: ListObjectsRequest): Promise<ObjectPage> {
    return listObjects(this.#client, request)
  }

  /** Deletes one object, or one version of it. An object that does not exist counts as deleted. */
  delete(request: DeleteObjectRequest): Promise<void> {
    return deleteObject(this.#client, request)
  }

  /**
   * Deletes up to 1,000 objects, each with its own request, six at a time. The one request of the service for several
   * objects needs an MD5, which WebCrypto does not have, and no signature covers its list of keys.
   *
   * @returns the keys, each once
   * @throws the first error. Some objects may have been deleted by then
   */
  deleteMany(request: DeleteObjectsRequest): Promise<readonly string[]> {
    return deleteObjects(this.#client, request)
  }

  /**
   * Copies an object on the server, with its metadata and so with its envelope.
   *
   * @throws CseError `ERR_CSE_OPERATION_REFUSED` for headers that would replace the metadata
   */
  copy(request: CopyObjectRequest): Promise<PutObjectResponse> {
    return copyObject(this.#client, request)
  }
}
