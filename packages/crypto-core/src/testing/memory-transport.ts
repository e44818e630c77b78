import { combineCrc64, createCrc64 } from '@oss-cse/crc64'
import { concatBytes, isUint8Array } from '../bytes.ts'
import { compareCodePoints } from '../code-point-order.ts'
import { CseError, TransportError } from '../errors.ts'
import { lowerCaseHeaders } from '../header-map.ts'
import { isEnvelopeHeader, OSS_HEADERS } from '../headers.ts'
import { objectAttributes } from '../object-attributes.ts'
import { parseTaggingHeader } from '../object-tags.ts'
import type {
  BucketVersioning,
  ByteChunks,
  CallOptions,
  CompleteUploadRequest,
  CopyObjectRequest,
  DeleteMarker,
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
  ObjectSummary,
  ObjectTag,
  ObjectTransport,
  ObjectVersion,
  PartPage,
  PendingUploadPage,
  PutObjectRequest,
  PutObjectResponse,
  SymlinkRequest,
  SymlinkResponse,
  UploadedPart,
  UploadPartRequest,
  UploadReference,
  UploadRequest,
  UrlTransport,
  VersionCatalog,
  VersionPage,
} from '../ports.ts'
import { parseRange, sliceResponse } from '../range-plan.ts'
import { MAX_PAGE_ENTRIES } from '../service-limits.ts'
import { tell } from '../tell.ts'

/** An object in the memory transport. */
export interface StoredObject {
  readonly headers: HeaderMap
  readonly bytes: Uint8Array
  readonly crc64: bigint
  readonly etag: string
  /** Default `null`. */
  readonly versionId?: string
  /** Default `Normal`. */
  readonly type?: 'Normal' | 'Multipart'
  /** Default `default`. */
  readonly acl?: ObjectAcl
  /** Default: none. */
  readonly tags?: readonly ObjectTag[]
}

/** What is kept of a key behind its object, or instead of it. */
type KeptVersion = StoredObject | { readonly versionId: string; readonly deleteMarker: true }

interface StoredPart extends UploadedPart {
  readonly sizeBytes: number
  readonly crc64: bigint
  readonly bytes: Uint8Array
}

/** A request that the memory transport received. */
export interface RecordedRequest {
  readonly operation: string
  readonly key: string
  readonly headers: HeaderMap
  /** Set for the upload of a part. */
  readonly partNumber?: number
  /** Set for a request about one version. */
  readonly versionId?: string
}

const STORED_HEADER =
  /^(?:x-oss-meta-|content-type$|content-encoding$|content-disposition$|content-language$|cache-control$|expires$|x-oss-storage-class$)/

/** The version id of what is stored without versioning. */
const NULL_VERSION = 'null'

/**
 * A transport that keeps its objects in memory. It implements all ports. Ranges, conditions, checksums, multipart
 * uploads, versions, ACLs, tags and archived objects behave like those of the service. Tests may read and change `objects`, inspect `requests`, set `intercept` to
 * make a request fail, and set `alterGet` to change a response.
 *
 * @example
 * ```ts
 * const transport = new MemoryTransport()
 * const bucket = new CryptoBucket({ transport, provider: createTestProvider() })
 * ```
 */
export class MemoryTransport
  implements ObjectTransport, MultipartTransport, ObjectCatalog, UrlTransport, VersionCatalog, ObjectSettings
{
  readonly location: string = 'memory:'
  /** The newest version of each object that is not deleted. */
  readonly objects: Map<string, StoredObject> = new Map()
  /** Whether the bucket keeps versions from now on. Default `Unversioned`: then version ids in requests are ignored. */
  versioning: BucketVersioning = 'Unversioned'
  /** Symbolic links: the key of each link, and that of its target. */
  readonly links: Map<string, string> = new Map()
  readonly requests: RecordedRequest[] = []
  /** The length in bytes of the chunks of a GET's body. Default 64 KiB. */
  chunkBytes: number = 64 * 1024
  /** Called before each request. If it throws, the request fails with that error. */
  intercept: ((request: RecordedRequest) => void | Promise<void>) | undefined
  /** Changes the response of a GET before it is returned. */
  alterGet: ((response: GetObjectResponse, request: GetObjectRequest) => GetObjectResponse) | undefined
  readonly #uploads = new Map<
    string,
    { key: string; headers: HeaderMap; parts: Map<number, StoredPart>; initiated: Date }
  >()
  /** The versions behind that in `objects`, the newest first. A delete marker is the first if the key has no object. */
  readonly #older = new Map<string, readonly KeptVersion[]>()
  #serial = 0

  /** Stores bytes unchanged, without any check. Not recorded in `requests`. */
  async plant(key: string, bytes: Uint8Array, headers: HeaderMap = {}): Promise<void> {
    const crc = createCrc64()
    crc.update(bytes)
    this.#store(key, { bytes, crc64: crc.value(), headers })
  }

  async put(request: PutObjectRequest): Promise<PutObjectResponse> {
    await this.#begin('put', request.key, request.headers, request.signal)
    const { bytes, crc64 } = await collect(request)
    const headers = lowerCaseHeaders(request.headers)
    this.#checkForbidOverwrite(request.key, headers)
    return this.#store(request.key, { bytes, crc64, headers })
  }

  async get(request: GetObjectRequest): Promise<GetObjectResponse> {
    await this.#begin('get', request.key, request.headers, request.signal, versionOf(request))
    return this.#respond(request)
  }

  /** Reads the object that the path of the URL names. It does not check a signature. */
  async getByUrl({ url, headers, signal }: GetByUrlRequest): Promise<GetObjectResponse> {
    const key = decodeURIComponent(url.pathname.slice(1))
    await this.#begin('getByUrl', key, headers, signal)
    return this.#respond({ key, headers, signal })
  }

  async head(request: HeadObjectRequest): Promise<HeadObjectResponse> {
    await this.#begin('head', request.key, request.headers, request.signal, versionOf(request))
    const object = this.#find(request)
    return {
      status: 200,
      headers: { ...this.#responseHeaders(object), 'content-length': String(object.bytes.length) },
    }
  }

  async getSymlink(request: SymlinkRequest): Promise<SymlinkResponse> {
    await this.#begin('getSymlink', request.key, request.headers, request.signal, versionOf(request))
    const targetKey = this.links.get(request.key)
    if (targetKey === undefined) throw refusal('ERR_CSE_SERVICE', 400, 'NotSymlink', request.key)
    return { targetKey }
  }

  async initiate(request: InitiateUploadRequest): Promise<{ readonly uploadId: string }> {
    await this.#begin('initiate', request.key, request.headers, request.signal)
    this.#serial += 1
    const uploadId = `upload-${this.#serial}`
    const upload = {
      key: request.key,
      headers: lowerCaseHeaders(request.headers),
      parts: new Map(),
      initiated: new Date(),
    }
    this.#uploads.set(uploadId, upload)
    return { uploadId }
  }

  async uploadPart(request: UploadPartRequest): Promise<UploadedPart> {
    const { partNumber } = request
    await this.#begin('uploadPart', request.key, request.headers, request.signal, { partNumber })
    const upload = this.#upload(request)
    const { bytes, crc64 } = await collect(request)
    const part = { partNumber, etag: etagOf(crc64), sizeBytes: bytes.length, crc64 }
    upload.parts.set(partNumber, { ...part, bytes })
    return part
  }

  async complete(request: CompleteUploadRequest): Promise<PutObjectResponse> {
    await this.#begin('complete', request.key, request.headers, request.signal)
    const upload = this.#upload(request)
    const parts = request.parts.map((wanted) => {
      const part = upload.parts.get(wanted.partNumber)
      if (part === undefined || part.etag !== wanted.etag) {
        throw refusal('ERR_CSE_SERVICE', 400, 'InvalidPart', request.key)
      }
      return part
    })
    if (parts.some((part, index) => index > 0 && part.partNumber <= (parts[index - 1]?.partNumber ?? 0))) {
      throw refusal('ERR_CSE_SERVICE', 400, 'InvalidPartOrder', request.key)
    }
    const crc64 = parts.reduce((crc, part) => combineCrc64(crc, part.crc64, part.sizeBytes), 0n)
    this.#checkForbidOverwrite(request.key, { ...upload.headers, ...lowerCaseHeaders(request.headers) })
    this.#uploads.delete(request.uploadId)
    const bytes = concatBytes(parts.map((part) => part.bytes))
    const { [OSS_HEADERS.objectAcl]: _notOnInitiate, ...initiated } = upload.headers
    const headers = { ...initiated, ...only(lowerCaseHeaders(request.headers), OSS_HEADERS.objectAcl) }
    return this.#store(request.key, { bytes, crc64, headers, type: 'Multipart' })
  }

  async abort(request: UploadReference): Promise<void> {
    await this.#begin('abort', request.key, request.headers ?? {}, request.signal)
    this.#upload(request)
    this.#uploads.delete(request.uploadId)
  }

  async listParts(request: ListPartsRequest): Promise<PartPage> {
    await this.#begin('listParts', request.key, request.headers ?? {}, request.signal)
    const parts = [...this.#upload(request).parts.values()]
      .filter((part) => part.partNumber > Number(request.marker ?? 0))
      .sort((a, b) => a.partNumber - b.partNumber)
      .map(({ partNumber, etag, sizeBytes, crc64 }) => ({ partNumber, etag, sizeBytes, crc64 }))
    const page = parts.slice(0, MAX_PAGE_ENTRIES)
    const last = page.at(-1)
    return { parts: page, ...(parts.length > page.length && last && { nextMarker: String(last.partNumber) }) }
  }

  async listUploads(request: ListUploadsRequest): Promise<PendingUploadPage> {
    await this.#begin('listUploads', request.prefix ?? '', {}, request.signal)
    const { prefix = '', keyMarker = '', uploadIdMarker } = request
    const rest = [...this.#uploads]
      .map(([uploadId, { key, initiated }]) => ({ key, uploadId, initiated }))
      .filter(({ key }) => key.startsWith(prefix))
      .filter(({ key, uploadId }) => {
        const order = compareCodePoints(key, keyMarker)
        if (order !== 0) return order > 0
        return uploadIdMarker !== undefined && compareCodePoints(uploadId, uploadIdMarker) > 0
      })
      .sort((a, b) => compareCodePoints(a.key, b.key) || compareCodePoints(a.uploadId, b.uploadId))
    const uploads = rest.slice(0, MAX_PAGE_ENTRIES)
    const last = uploads.at(-1)
    if (last === undefined || rest.length === uploads.length) return { uploads }
    return { uploads, nextKeyMarker: last.key, nextUploadIdMarker: last.uploadId }
  }

  async list(request: ListObjectsRequest): Promise<ObjectPage> {
    const { prefix = '', delimiter, startAfter = '', maxKeys = 100, continuationToken = '' } = request
    await this.#begin('list', prefix, {}, request.signal)
    const after = continuationToken === '' ? startAfter : continuationToken
    const keys = [...this.objects.keys()]
      .sort(compareCodePoints)
      .filter((key) => key.startsWith(prefix) && compareCodePoints(key, after) > 0)
    const objects = new Map<string, StoredObject>()
    const prefixes = new Set<string>()
    let last: string | undefined
    for (const key of keys) {
      const cut = delimiter ? key.indexOf(delimiter, prefix.length) : -1
      const common = cut === -1 ? undefined : key.slice(0, cut + (delimiter ?? '').length)
      if (common !== undefined && prefixes.has(common)) {
        last = key
        continue
      }
      if (objects.size + prefixes.size === maxKeys) {
        return {
          objects: summaries(objects),
          prefixes: [...prefixes],
          ...(last && { nextContinuationToken: last }),
        }
      }
      if (common === undefined) objects.set(key, this.objects.get(key) as StoredObject)
      else prefixes.add(common)
      last = key
    }
    return { objects: summaries(objects), prefixes: [...prefixes] }
  }

  async delete(request: DeleteObjectRequest): Promise<void> {
    const { key, versionId } = request
    await this.#begin('delete', key, {}, request.signal, versionOf(request))
    if (versionId === undefined || this.versioning === 'Unversioned') this.#delete(key)
    else
      this.#setVersions(
        key,
        this.#versions(key).filter((version) => versionIdOf(version) !== versionId),
      )
  }

  async deleteMany(request: DeleteObjectsRequest): Promise<readonly string[]> {
    await this.#begin('deleteMany', request.keys.join(' '), {}, request.signal)
    for (const key of request.keys) this.#delete(key)
    return request.keys
  }

  async copy(request: CopyObjectRequest): Promise<PutObjectResponse> {
    const { key, sourceKey, sourceVersionId: versionId } = request
    await this.#begin('copy', key, request.headers, request.signal, versionOf({ versionId }))
    const sent = lowerCaseHeaders(request.headers)
    const ifMatch = sent[OSS_HEADERS.copySourceIfMatch]
    const source = this.#find({
      key: sourceKey,
      versionId,
      headers: ifMatch === undefined ? {} : { 'if-match': ifMatch },
    })
    refuseArchived(source, sourceKey)
    this.#checkForbidOverwrite(key, sent)
    const replacesTags = sent[OSS_HEADERS.taggingDirective]?.toLowerCase() === 'replace'
    const { [OSS_HEADERS.storageClass]: storageClass = source.headers[OSS_HEADERS.storageClass] } = sent
    return this.#store(key, {
      ...source,
      headers: {
        ...source.headers,
        ...only(sent, OSS_HEADERS.objectAcl),
        ...(storageClass !== undefined && { [OSS_HEADERS.storageClass]: storageClass }),
        ...(replacesTags && only(sent, OSS_HEADERS.tagging)),
      },
      tags: replacesTags ? undefined : source.tags,
    })
  }

  async listVersions(request: ListVersionsRequest): Promise<VersionPage> {
    const { prefix = '', keyMarker, versionIdMarker, maxKeys = 100 } = request
    await this.#begin('listVersions', prefix, {}, request.signal)
    const rest = [...new Set([...this.objects.keys(), ...this.#older.keys()])]
      .sort(compareCodePoints)
      .filter((key) => key.startsWith(prefix))
      .flatMap((key) => {
        const versions = this.#versions(key).map((version, index) => versionEntry(key, version, index === 0))
        const order = keyMarker === undefined ? 1 : compareCodePoints(key, keyMarker)
        if (order !== 0) return order > 0 ? versions : []
        if (versionIdMarker === undefined) return []
        return versions.slice(versions.findIndex(({ versionId }) => versionId === versionIdMarker) + 1)
      })
    const versions = rest.slice(0, maxKeys)
    const last = versions.at(-1)
    if (last === undefined || rest.length === versions.length) return { versions }
    return { versions, nextKeyMarker: last.key, nextVersionIdMarker: last.versionId }
  }

  async getVersioning(options: CallOptions = {}): Promise<BucketVersioning> {
    await this.#begin('getVersioning', '', {}, options.signal)
    return this.versioning
  }

  async getObjectAcl(request: ObjectSettingsRequest): Promise<ObjectAcl> {
    return (await this.#settingsOf('getObjectAcl', request)).acl ?? 'default'
  }

  async getObjectTags(request: ObjectSettingsRequest): Promise<readonly ObjectTag[]> {
    return (await this.#settingsOf('getObjectTags', request)).tags ?? []
  }

  async #settingsOf(operation: string, request: ObjectSettingsRequest): Promise<StoredObject> {
    const { key, versionId, headers = {}, signal } = request
    await this.#begin(operation, key, headers, signal, versionOf(request))
    const version = this.#versions(key).find((one) => versionIdOf(one) === versionId)
    // Unlike a read of a delete marker, which is not allowed.
    if (version !== undefined && !('bytes' in version))
      throw refusal('ERR_CSE_NOT_FOUND', 404, 'NoSuchKey', key)
    return this.#find({ key, versionId, headers: {} })
  }

  #respond(request: GetObjectRequest): GetObjectResponse {
    const object = this.#find(request)
    refuseArchived(object, request.key)
    const { status, bytes, contentRange } = selectRange(object, request)
    const response: GetObjectResponse = {
      status,
      headers: {
        ...this.#responseHeaders(object),
        'content-length': String(bytes.length),
        ...(contentRange !== undefined && { 'content-range': contentRange }),
      },
      body: chunksOf(bytes, this.chunkBytes, request.signal),
    }
    return this.alterGet?.(response, request) ?? response
  }

  async #begin(
    operation: string,
    key: string,
    headers: HeaderMap,
    signal: AbortSignal | undefined,
    more: Pick<RecordedRequest, 'partNumber' | 'versionId'> = {},
  ): Promise<void> {
    signal?.throwIfAborted()
    const request = { operation, key, headers: lowerCaseHeaders(headers), ...more }
    this.requests.push(request)
    await this.intercept?.(request)
  }

  /** Adds the newest version of a key. Headers that make its ACL and tags are taken out of its own. */
  #store(
    key: string,
    object: Pick<StoredObject, 'bytes' | 'crc64' | 'headers' | 'type'> & {
      /** Default: those of the headers. */
      readonly tags?: readonly ObjectTag[] | undefined
    },
  ): PutObjectResponse {
    const { bytes, crc64, type = 'Normal', tags } = object
    const headers = lowerCaseHeaders(object.headers)
    const kept = Object.entries(headers).filter(
      ([name]) => STORED_HEADER.test(name) || isEnvelopeHeader(name),
    )
    const etag = etagOf(crc64)
    const versionId = this.#nextVersionId()
    const stored: StoredObject = {
      headers: Object.fromEntries(kept),
      bytes,
      crc64,
      etag,
      versionId,
      type,
      acl: (headers[OSS_HEADERS.objectAcl] ?? 'default') as ObjectAcl,
      tags: tags ?? parseTaggingHeader(headers[OSS_HEADERS.tagging] ?? ''),
    }
    this.#setVersions(key, [stored, ...this.#survivors(key)])
    return {
      status: 200,
      headers: { etag, 'x-oss-hash-crc64ecma': String(crc64), ...this.#versionHeader(stored) },
    }
  }

  #delete(key: string): void {
    const marker: readonly KeptVersion[] =
      this.versioning === 'Unversioned' ? [] : [{ versionId: this.#nextVersionId(), deleteMarker: true }]
    this.#setVersions(key, [...marker, ...this.#survivors(key)])
  }

  /** All versions and delete markers of a key, the newest first. */
  #versions(key: string): readonly KeptVersion[] {
    const newest = this.objects.get(key)
    const older = this.#older.get(key) ?? []
    return newest === undefined ? older : [newest, ...older]
  }

  #setVersions(key: string, versions: readonly KeptVersion[]): void {
    const [newest, ...older] = versions
    const hasObject = newest !== undefined && 'bytes' in newest
    if (hasObject) this.objects.set(key, newest)
    else this.objects.delete(key)
    const kept = hasObject ? older : versions
    if (kept.length > 0) this.#older.set(key, kept)
    else this.#older.delete(key)
  }

  /** The versions that stay when a new one is added. */
  #survivors(key: string): readonly KeptVersion[] {
    if (this.versioning === 'Unversioned') return []
    const versions = this.#versions(key)
    if (this.versioning === 'Enabled') return versions
    return versions.filter((version) => versionIdOf(version) !== NULL_VERSION)
  }

  #nextVersionId(): string {
    if (this.versioning !== 'Enabled') return NULL_VERSION
    this.#serial += 1
    return `version-${this.#serial}`
  }

  #versionHeader(version: KeptVersion): Record<string, string> {
    return this.versioning === 'Unversioned' ? {} : { [OSS_HEADERS.versionId]: versionIdOf(version) }
  }

  #responseHeaders(object: StoredObject): Record<string, string> {
    const { tags = [] } = object
    return {
      'content-type': 'application/octet-stream',
      [OSS_HEADERS.objectType]: object.type ?? 'Normal',
      [OSS_HEADERS.storageClass]: 'Standard',
      ...object.headers,
      etag: object.etag,
      'x-oss-hash-crc64ecma': String(object.crc64),
      'last-modified': new Date(0).toUTCString(),
      ...(tags.length > 0 && { [OSS_HEADERS.taggingCount]: String(tags.length) }),
      ...this.#versionHeader(object),
    }
  }

  /** A bucket that keeps versions never overwrites, so the header has no effect there. */
  #checkForbidOverwrite(key: string, headers: HeaderMap): void {
    if (headers[OSS_HEADERS.forbidOverwrite] !== 'true' || this.versioning !== 'Unversioned') return
    if (this.objects.has(key)) throw refusal('ERR_CSE_PRECONDITION_FAILED', 409, 'FileAlreadyExists', key)
  }

  #find({ key, versionId, headers }: Pick<GetObjectRequest, 'key' | 'versionId' | 'headers'>): StoredObject {
    const newest = versionId === undefined || this.versioning === 'Unversioned'
    const object = newest ? this.#newest(key) : this.#version(key, versionId)
    const conditions = lowerCaseHeaders(headers)
    const wanted = conditions['if-match']
    if (wanted !== undefined && wanted !== object.etag) {
      throw refusal('ERR_CSE_PRECONDITION_FAILED', 412, 'PreconditionFailed', key)
    }
    if (conditions['if-none-match'] === object.etag)
      throw refusal('ERR_CSE_NOT_MODIFIED', 304, 'NotModified', key)
    return object
  }

  #newest(key: string): StoredObject {
    const object = this.objects.get(key) ?? this.#linked(key)
    if (object === undefined) throw refusal('ERR_CSE_NOT_FOUND', 404, 'NoSuchKey', key)
    return object
  }

  #version(key: string, versionId: string): StoredObject {
    const version = this.#versions(key).find((one) => versionIdOf(one) === versionId)
    if (version === undefined) throw refusal('ERR_CSE_NOT_FOUND', 404, 'NoSuchVersion', key)
    if (!('bytes' in version)) throw refusal('ERR_CSE_SERVICE', 405, 'MethodNotAllowed', key)
    return version
  }

  /** Like the service, returns the bytes and the ETag of a link's target, with the link's own metadata. */
  #linked(key: string): StoredObject | undefined {
    const target = this.objects.get(this.links.get(key) ?? '')
    return target && { ...target, headers: { [OSS_HEADERS.objectType]: 'Symlink' } }
  }

  #upload(request: UploadReference): { key: string; headers: HeaderMap; parts: Map<number, StoredPart> } {
    const upload = this.#uploads.get(request.uploadId)
    if (upload === undefined || upload.key !== request.key) {
      throw refusal('ERR_CSE_NOT_FOUND', 404, 'NoSuchUpload', request.key)
    }
    return upload
  }
}

function versionOf({
  versionId,
}: {
  readonly versionId?: string | undefined
}): Pick<RecordedRequest, 'versionId'> {
  return versionId === undefined ? {} : { versionId }
}

function refusal(
  code: TransportError['code'],
  status: number,
  serviceCode: string,
  objectKey: string,
): TransportError {
  return new TransportError(code, `${serviceCode}: ${objectKey}`, {
    status,
    serviceCode,
    objectKey,
    retryable: false,
  })
}

function etagOf(crc64: bigint): string {
  return `"${crc64.toString(16).toUpperCase().padStart(32, '0')}"`
}

function versionIdOf({ versionId = NULL_VERSION }: KeptVersion): string {
  return versionId
}

function versionEntry(key: string, version: KeptVersion, isLatest: boolean): ObjectVersion | DeleteMarker {
  const common = { key, versionId: versionIdOf(version), isLatest }
  if (!('bytes' in version)) return { ...common, isDeleteMarker: true, lastModified: new Date(0) }
  return { ...common, isDeleteMarker: false, ...summary(key, version) }
}

/** Only GETs and copies read the bytes. A HEAD does not. */
function refuseArchived({ headers }: StoredObject, key: string): void {
  if (!objectAttributes(headers).needsRestore) return
  throw refusal('ERR_CSE_ACCESS_DENIED', 403, 'InvalidObjectState', key)
}

function only(headers: HeaderMap, name: string): HeaderMap {
  const { [name]: value } = headers
  return value === undefined ? {} : { [name]: value }
}

function selectRange(
  object: StoredObject,
  request: GetObjectRequest,
): { status: number; bytes: Uint8Array; contentRange?: string } {
  const headers = lowerCaseHeaders(request.headers)
  const text = headers['range']
  if (text === undefined) return { status: 200, bytes: object.bytes }
  const standard = headers['x-oss-range-behavior'] === 'standard'
  const total = object.bytes.length
  try {
    const range = parseRange(text)
    const overlong = 'start' in range ? (range.end ?? 0) >= total : range.suffixLength > total
    if (overlong && !standard) return { status: 200, bytes: object.bytes }
    const { start, sizeBytes } = sliceResponse(range, {
      status: 200,
      headers: { 'content-length': String(total) },
    })
    const contentRange = `bytes ${start}-${start + sizeBytes - 1}/${total}`
    return { status: 206, bytes: object.bytes.slice(start, start + sizeBytes), contentRange }
  } catch {
    if (!standard) return { status: 200, bytes: object.bytes }
    throw refusal('ERR_CSE_RANGE_NOT_SATISFIABLE', 416, 'InvalidRange', request.key)
  }
}

/** Copies of the bytes. One that comes back is overwritten, so that a reader that still uses it is found. */
function chunksOf(bytes: Uint8Array, chunkBytes: number, signal: AbortSignal | undefined): ByteChunks {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let offset = 0; offset < bytes.length; offset += chunkBytes) {
      signal?.throwIfAborted()
      yield bytes.slice(offset, offset + chunkBytes)
    }
  }
  return Object.assign(chunks(), { recycle: (chunk: Uint8Array) => void chunk.fill(0xaa) })
}

async function collect({
  body,
  signal,
  onSentBytes,
}: UploadRequest): Promise<{ bytes: Uint8Array; crc64: bigint }> {
  const chunks: Uint8Array[] = []
  const crc = createCrc64()
  let sentBytes = 0
  tell(onSentBytes, sentBytes)
  try {
    const opened = body.open()
    for await (const chunk of opened) {
      signal?.throwIfAborted()
      if (!isUint8Array(chunk)) throw new TypeError('The source yielded something other than a Uint8Array.')
      chunks.push(Uint8Array.from(chunk))
      crc.update(chunk)
      sentBytes += chunk.length
      tell(onSentBytes, sentBytes)
      opened.recycle?.(chunk)
    }
  } catch (cause) {
    if (signal?.aborted || CseError.isInstance(cause)) throw cause
    throw new CseError('ERR_CSE_SOURCE', 'The source of the upload failed.', { cause })
  }
  const bytes = concatBytes(chunks)
  if (body.sizeBytes !== undefined && body.sizeBytes !== bytes.length) {
    throw new CseError(
      'ERR_CSE_SOURCE',
      `The source returned ${bytes.length} bytes instead of ${body.sizeBytes}.`,
    )
  }
  return { bytes, crc64: crc.value() }
}

function summaries(objects: ReadonlyMap<string, StoredObject>): ObjectPage['objects'] {
  return [...objects].map(([key, object]) => summary(key, object))
}

function summary(key: string, { bytes, etag, headers }: StoredObject): ObjectSummary {
  return {
    key,
    sizeBytes: bytes.length,
    etag,
    lastModified: new Date(0),
    storageClass: headers[OSS_HEADERS.storageClass] ?? 'Standard',
  }
}
