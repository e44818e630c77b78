import { createHash, randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BucketRecord, ObjectRecord, PartRecord, UploadRecord } from './records.ts'

/** All versions of one key, as stored. */
export interface StoredKey {
  readonly bucket: string
  readonly key: string
  /** The newest first. */
  readonly versions: readonly ObjectRecord[]
}

/** Stores records so that they survive a restart. Each call is synchronous. */
export interface RecordFiles {
  loadBuckets(): readonly BucketRecord[]
  loadKeys(bucket: string): readonly StoredKey[]
  loadUploads(): readonly { readonly upload: UploadRecord; readonly parts: readonly PartRecord[] }[]
  saveBucket(bucket: BucketRecord): void
  removeBucket(name: string): void
  saveKey(stored: StoredKey): void
  saveUpload(upload: UploadRecord): void
  savePart(uploadId: string, part: PartRecord): void
  removeUpload(uploadId: string): void
}

/** The record files of an emulator that keeps all its data in RAM: there are none. */
export const NO_FILES: RecordFiles = {
  loadBuckets: () => [],
  loadKeys: () => [],
  loadUploads: () => [],
  saveBucket: () => undefined,
  removeBucket: () => undefined,
  saveKey: () => undefined,
  saveUpload: () => undefined,
  savePart: () => undefined,
  removeUpload: () => undefined,
}

/**
 * Records as small JSON files. They are written synchronously and renamed into place. So the state in RAM and on disk
 * changes together, and a killed process leaves either the old record or the new one.
 */
export class JsonRecordFiles implements RecordFiles {
  readonly #root: string

  constructor(root: string) {
    this.#root = root
    mkdirSync(join(root, 'buckets'), { recursive: true })
    mkdirSync(join(root, 'uploads'), { recursive: true })
    mkdirSync(join(root, 'tmp'), { recursive: true })
  }

  loadBuckets(): readonly BucketRecord[] {
    const buckets = join(this.#root, 'buckets')
    // A directory without a record is from a process that was killed while it created the bucket.
    return readdirSync(buckets)
      .map((name) => join(buckets, name, 'bucket.json'))
      .filter((path) => existsSync(path))
      .map((path) => readJson<BucketRecord>(path))
  }

  loadKeys(bucket: string): readonly StoredKey[] {
    const directory = join(this.#root, 'buckets', bucket, 'keys')
    return readdirSync(directory).map((name) => readJson<StoredKey>(join(directory, name)))
  }

  loadUploads(): readonly { readonly upload: UploadRecord; readonly parts: readonly PartRecord[] }[] {
    return readdirSync(join(this.#root, 'uploads')).map((uploadId) => {
      const directory = join(this.#root, 'uploads', uploadId)
      const parts = readdirSync(directory).filter((name) => name !== 'upload.json')
      return {
        upload: readJson<UploadRecord>(join(directory, 'upload.json')),
        parts: parts.map((name) => readJson<PartRecord>(join(directory, name))),
      }
    })
  }

  saveBucket(bucket: BucketRecord): void {
    const directory = join(this.#root, 'buckets', bucket.name)
    mkdirSync(join(directory, 'keys'), { recursive: true })
    this.#write(join(directory, 'bucket.json'), bucket)
  }

  removeBucket(name: string): void {
    this.#removeDirectory(join(this.#root, 'buckets', name))
  }

  saveKey(stored: StoredKey): void {
    const name = createHash('sha256').update(stored.key).digest('hex')
    const path = join(this.#root, 'buckets', stored.bucket, 'keys', `${name}.json`)
    if (stored.versions.length === 0) rmSync(path, { force: true })
    else this.#write(path, stored)
  }

  saveUpload(upload: UploadRecord): void {
    mkdirSync(join(this.#root, 'tmp', upload.uploadId))
    this.#write(join(this.#root, 'tmp', upload.uploadId, 'upload.json'), upload)
    renameSync(join(this.#root, 'tmp', upload.uploadId), join(this.#root, 'uploads', upload.uploadId))
  }

  savePart(uploadId: string, part: PartRecord): void {
    this.#write(join(this.#root, 'uploads', uploadId, `${part.partNumber}.json`), part)
  }

  removeUpload(uploadId: string): void {
    this.#removeDirectory(join(this.#root, 'uploads', uploadId))
  }

  #write(path: string, value: unknown): void {
    const temporary = join(this.#root, 'tmp', randomUUID())
    writeFileSync(temporary, JSON.stringify(value))
    renameSync(temporary, path)
  }

  /** First moves the directory away in one step: a half-removed directory must not be loaded again. */
  #removeDirectory(path: string): void {
    const doomed = join(this.#root, 'tmp', randomUUID())
    renameSync(path, doomed)
    rmSync(doomed, { recursive: true })
  }
}

function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(path, 'utf8')) as T
}
