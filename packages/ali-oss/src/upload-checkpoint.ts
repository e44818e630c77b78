import { type Checkpoint as CheckpointRecord, type CheckpointStore, checkpointInUse } from '@oss-cse/bucket'
import { CseError, type UploadedPart } from '@oss-cse/crypto-core'
import type { AliOssResponse } from './ali-oss-response.ts'

/**
 * How far a `multipartUpload` is, and what it takes to go on with it: plain JSON, with wrapped keys alone. Of content in
 * memory it has the SHA-256: who reads the checkpoint can confirm a guess of the content. Keep it when
 * `progress` hands it over, and pass it back as `checkpoint`.
 */
export interface Checkpoint {
  /** The file's path. Content that was given in memory is not in here: pass it again. */
  file?: string
  /** The object's name. */
  name: string
  fileSize: number
  partSize: number
  uploadId: string
  doneParts: { number: number; etag: string }[]
  /** What resumes the encryption. Absent where the master key is a public one alone: such an upload begins anew. */
  encryption?: {
    /** What the file was like when the upload began. */
    changeMark: string
    /** The bucket's own record of the upload. */
    record: unknown
  }
}

/**
 * Told how far an upload is: the part that is done, from 0 to 1, the checkpoint (`null` at the end), and the last answer
 * of the service. An upload waits for it, and fails with what it rejects with.
 */
export type ProgressCallback = {
  // A method, so that a callback may take what it is told for a checkpoint of ali-oss's types.
  progress(fraction: number, checkpoint?: Checkpoint | null, response?: AliOssResponse): unknown
}['progress']

/** What an upload's checkpoint is begun with. */
export interface UploadDescription {
  readonly path: string | undefined
  readonly name: string
  readonly sizeBytes: number
  readonly partSizeBytes: number
  /** What the file is like when the upload begins. */
  readonly changeMark: string
  /** What it is like now. */
  readonly currentMark: () => Promise<string>
}

/**
 * The checkpoint of one upload, kept by the caller: what the bucket saves is handed to `progress`, and the bucket waits
 * for it before a byte of a part leaves. So a part that was begun is never unknown to whoever goes on.
 */
export class UploadCheckpoint implements CheckpointStore {
  readonly #description: UploadDescription
  readonly #given: Checkpoint | undefined
  readonly #progress: ProgressCallback | undefined
  #checkpoint: Checkpoint
  #response: AliOssResponse | undefined
  #told = false
  #last: Promise<unknown> = Promise.resolve()
  #taken = false

  constructor(
    description: UploadDescription,
    given: Checkpoint | undefined,
    progress: ProgressCallback | undefined,
  ) {
    const { path, name, sizeBytes, partSizeBytes } = description
    this.#description = description
    this.#given = given
    this.#progress = progress
    this.#checkpoint = {
      ...(path !== undefined && { file: path }),
      name,
      fileSize: sizeBytes,
      partSize: partSizeBytes,
      uploadId: given?.uploadId ?? '',
      doneParts: [...(given?.doneParts ?? [])],
    }
  }

  async open(): Promise<CheckpointRecord> {
    if (this.#taken) throw checkpointInUse()
    this.#taken = true
    return {
      load: async () => {
        const { encryption } = this.#given ?? {}
        // Only now: the bucket has looked at the file before.
        if (encryption?.changeMark !== (await this.#description.currentMark())) return undefined
        this.#checkpoint.encryption = encryption
        return encryption.record
      },
      save: async (record) => {
        const { changeMark, currentMark } = this.#description
        // Between a part's encryption and its first byte: a run from a later checkpoint may have sent the part as it was.
        if (changeMark !== (await currentMark())) throw changedMeanwhile()
        this.#checkpoint.encryption = { changeMark, record }
        await this.#tell()
      },
      remove: async () => {},
      close: async () => {},
    }
  }

  /** An upload has begun: the first, or one in place of the one that was to go on. */
  initiated(uploadId: string, response: AliOssResponse): void {
    const { encryption: _, ...checkpoint } = this.#checkpoint
    this.#checkpoint = { ...checkpoint, uploadId, doneParts: [] }
    this.#response = response
  }

  /** A part is stored. */
  async uploaded({ partNumber, etag }: UploadedPart, response: AliOssResponse): Promise<void> {
    // Where nothing is saved nobody was told of the beginning.
    if (!this.#told) await this.#tell()
    const { doneParts } = this.#checkpoint
    if (!doneParts.some(({ number }) => number === partNumber)) doneParts.push({ number: partNumber, etag })
    this.#response = response
    await this.#tell()
  }

  /** One call at a time, each with what is known then: so the last one that a caller keeps is the newest. */
  async #tell(): Promise<void> {
    this.#told = true
    const told = this.#last.then(() => {
      const { fileSize, partSize, doneParts } = this.#checkpoint
      const fraction = doneParts.length / (Math.ceil(fileSize / partSize) + 1)
      return this.#progress?.(fraction, structuredClone(this.#checkpoint), this.#response)
    })
    this.#last = told.catch(() => {})
    await told
  }
}

function changedMeanwhile(): CseError {
  return new CseError(
    'ERR_CSE_SOURCE_CHANGED',
    'The file, or its inode, changed while it was being uploaded. Nothing was stored: upload it again when nothing writes to it.',
  )
}
