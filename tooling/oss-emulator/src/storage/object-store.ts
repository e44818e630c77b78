import { type BlobStore, type BlobWriter, type Extent, sliceExtents } from './blob-store.ts'
import { compareBytes } from './compare-bytes.ts'
import type { RecordFiles } from './record-files.ts'
import type { BucketRecord, ObjectRecord, PartRecord, UploadRecord } from './records.ts'

/** A bucket with its objects. */
export interface Bucket {
  readonly record: BucketRecord
  /** The versions of each key, the newest first. A key has at least one. */
  readonly keys: ReadonlyMap<string, readonly ObjectRecord[]>
  /** All keys in byte order. */
  sortedKeys(): readonly string[]
}

/** An upload with its parts. */
export interface Upload {
  readonly record: UploadRecord
  readonly parts: ReadonlyMap<number, PartRecord>
}

interface MutableBucket {
  record: BucketRecord
  readonly keys: Map<string, readonly ObjectRecord[]>
  sorted: readonly string[] | undefined
  sortedKeys(): readonly string[]
}

/**
 * The whole state. Records are in RAM and, with record files, on disk. Bytes are in a blob store. Changes are
 * synchronous and therefore atomic. The uses of each blob are counted: copies share blobs, and a read in progress
 * survives an overwrite.
 */
export class ObjectStore {
  readonly #blobs: BlobStore
  readonly #files: RecordFiles
  readonly #buckets = new Map<string, MutableBucket>()
  readonly #uploads = new Map<string, { record: UploadRecord; parts: Map<number, PartRecord> }>()
  readonly #uses = new Map<string, number>()

  constructor(blobs: BlobStore, files: RecordFiles) {
    this.#blobs = blobs
    this.#files = files
    for (const record of files.loadBuckets()) {
      const bucket = newBucket(record)
      for (const { key, versions } of files.loadKeys(record.name)) {
        bucket.keys.set(key, versions)
        for (const version of versions) this.#use(version.extents)
      }
      this.#buckets.set(record.name, bucket)
    }
    for (const { upload, parts } of files.loadUploads()) {
      this.#uploads.set(upload.uploadId, {
        record: upload,
        parts: new Map(parts.map((part) => [part.partNumber, part])),
      })
      for (const part of parts) this.#use(part.extents)
    }
  }

  /** The blobs that at least one record refers to. */
  blobsInUse(): ReadonlySet<string> {
    return new Set(this.#uses.keys())
  }

  buckets(): readonly Bucket[] {
    return [...this.#buckets.values()].sort((a, b) => compareBytes(a.record.name, b.record.name))
  }

  bucket(name: string): Bucket | undefined {
    return this.#buckets.get(name)
  }

  saveBucket(record: BucketRecord): void {
    const bucket = this.#buckets.get(record.name)
    this.#files.saveBucket(record)
    if (bucket === undefined) this.#buckets.set(record.name, newBucket(record))
    else bucket.record = record
  }

  removeBucket(name: string): void {
    this.#files.removeBucket(name)
    this.#buckets.delete(name)
  }

  versions(bucket: string, key: string): readonly ObjectRecord[] {
    return this.#buckets.get(bucket)?.keys.get(key) ?? []
  }

  /** Replaces all versions of a key at once, the newest first. An empty list removes the key. */
  saveVersions(bucketName: string, key: string, versions: readonly ObjectRecord[]): void {
    const bucket = this.#buckets.get(bucketName)
    if (bucket === undefined) throw new Error(`no bucket ${bucketName}`)
    const old = bucket.keys.get(key) ?? []
    this.#files.saveKey({ bucket: bucketName, key, versions })
    for (const version of versions) this.#use(version.extents)
    if (versions.length === 0) bucket.keys.delete(key)
    else bucket.keys.set(key, versions)
    if ((old.length === 0) !== (versions.length === 0)) bucket.sorted = undefined
    for (const version of old) this.release(version.extents)
  }

  uploads(bucket: string): readonly Upload[] {
    return [...this.#uploads.values()].filter(({ record }) => record.bucket === bucket)
  }

  upload(uploadId: string): Upload | undefined {
    return this.#uploads.get(uploadId)
  }

  addUpload(record: UploadRecord): void {
    this.#files.saveUpload(record)
    this.#uploads.set(record.uploadId, { record, parts: new Map() })
  }

  savePart(uploadId: string, part: PartRecord): void {
    const upload = this.#uploads.get(uploadId)
    if (upload === undefined) throw new Error(`no upload ${uploadId}`)
    this.#files.savePart(uploadId, part)
    this.#use(part.extents)
    const old = upload.parts.get(part.partNumber)
    upload.parts.set(part.partNumber, part)
    if (old !== undefined) this.release(old.extents)
  }

  removeUpload(uploadId: string): void {
    const upload = this.#uploads.get(uploadId)
    if (upload === undefined) return
    this.#files.removeUpload(uploadId)
    this.#uploads.delete(uploadId)
    for (const part of upload.parts.values()) this.release(part.extents)
  }

  createBlob(): Promise<BlobWriter> {
    return this.#blobs.create()
  }

  /** Removes a blob that no record refers to. */
  discardBlob(blob: string): void {
    if (!this.#uses.has(blob)) this.#blobs.remove(blob)
  }

  /** Opens `sizeBytes` bytes from `start` on. They stay readable until `release`, even if the record is removed. */
  open(extents: readonly Extent[], start: number, sizeBytes: number): OpenContent {
    const slice = sliceExtents(extents, start, sizeBytes)
    const blobs = this.#blobs
    this.#use(slice)
    return {
      sizeBytes,
      async *chunks() {
        for (const extent of slice) yield* blobs.read(extent)
      },
      release: () => this.release(slice),
    }
  }

  /** Ends one use of each extent. A blob without uses is removed. */
  release(extents: readonly Extent[]): void {
    for (const { blob } of extents) {
      const uses = (this.#uses.get(blob) ?? 0) - 1
      if (uses > 0) this.#uses.set(blob, uses)
      else {
        this.#uses.delete(blob)
        this.#blobs.remove(blob)
      }
    }
  }

  close(): Promise<void> {
    return this.#blobs.close()
  }

  #use(extents: readonly Extent[]): void {
    for (const { blob } of extents) this.#uses.set(blob, (this.#uses.get(blob) ?? 0) + 1)
  }
}

/** Content that is open for reading. */
export interface OpenContent {
  readonly sizeBytes: number
  /** A chunk is valid only until the next one is requested. */
  chunks(): AsyncIterable<Uint8Array>
  release(): void
}

function newBucket(record: BucketRecord): MutableBucket {
  return {
    record,
    keys: new Map(),
    sorted: undefined,
    sortedKeys() {
      this.sorted ??= [...this.keys.keys()].sort(compareBytes)
      return this.sorted
    },
  }
}
