import { type Checkpoint as CheckpointRecord, type CheckpointStore, checkpointInUse } from '@oss-cse/bucket'
import { CseError, type UploadedPart } from '@oss-cse/crypto-core'
import type { AliOssResponse } from './ali-oss-response.ts'

/**
 * The state of a `multipartUpload`, with what is needed to resume it. It is plain JSON and contains only wrapped
 * keys. For content in memory it contains the SHA-256: anyone who reads the checkpoint can confirm a guess of the
 * content. Store it when `progress` receives it, and pass it back as `checkpoint`.
 */
export interface Checkpoint {
  /** The path of the file. Absent for content in memory: pass that again. */
  file?: string
  /** The name of the object. */
  name: string
  fileSize: number
  /** The stored length of each part but the last in bytes. A part of a sealed object has less plaintext. */
  partSize: number
  uploadId: string
  doneParts: { number: number; etag: string }[]
  /** Resumes the encryption. Absent if the master key is only a public key. Such an upload restarts. */
  encryption?: {
    /** The change mark of the file when the upload started. */
    changeMark: string
    /** The bucket's own record of the upload. */
    record: unknown
  }
}

/**
 * Receives the progress of an upload: the finished share from 0 to 1, the checkpoint (`null` at the end), and the
 * last response of the service. The upload waits for it, and fails if it rejects.
 */
export type ProgressCallback = {
  // A method, so that a callback may declare the checkpoint type of ali-oss.
  progress(fraction: number, checkpoint?: Checkpoint | null, response?: AliOssResponse): unknown
}['progress']

/** The data that a checkpoint starts with. */
export interface UploadDescription {
  readonly path: string | undefined
  readonly name: string
  readonly sizeBytes: number
  readonly partSizeBytes: number
  readonly partCount: number
  /** The change mark when the upload starts. */
  readonly changeMark: string
  /** Returns the current change mark. */
  readonly currentMark: () => Promise<string>
}

/**
 * The checkpoint of one upload, which the caller stores. It passes the data of the bucket to `progress`, and the
 * bucket waits for that before it sends a byte of a part. So a resumed upload knows every part that was started.
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
        // Only now, because the bucket has examined the file before.
        if (encryption?.changeMark !== (await this.#description.currentMark())) return undefined
        this.#checkpoint.encryption = encryption
        return encryption.record
      },
      save: async (record) => {
        const { changeMark, currentMark } = this.#description
        // Checked between the encryption of a part and its first byte: a run from a later checkpoint may have sent
        // the old part.
        if (changeMark !== (await currentMark())) throw changedMeanwhile()
        this.#checkpoint.encryption = { changeMark, record }
        await this.#tell()
      },
      remove: async () => {},
      close: async () => {},
    }
  }

  /** An upload has started: the first one, or a restarted one. */
  initiated(uploadId: string, response: AliOssResponse): void {
    const { encryption: _, ...checkpoint } = this.#checkpoint
    this.#checkpoint = { ...checkpoint, uploadId, doneParts: [] }
    this.#response = response
  }

  /** A part is stored. */
  async uploaded({ partNumber, etag }: UploadedPart, response: AliOssResponse): Promise<void> {
    // If nothing was saved, nobody has been told of the start.
    if (!this.#told) await this.#tell()
    const { doneParts } = this.#checkpoint
    if (!doneParts.some(({ number }) => number === partNumber)) doneParts.push({ number: partNumber, etag })
    this.#response = response
    await this.#tell()
  }

  /** One call at a time, each with the current state. So the last checkpoint that a caller stores is the newest. */
  async #tell(): Promise<void> {
    this.#told = true
    const told = this.#last.then(() => {
      const fraction = this.#checkpoint.doneParts.length / (this.#description.partCount + 1)
      return this.#progress?.(fraction, structuredClone(this.#checkpoint), this.#response)
    })
    this.#last = told.catch(() => {})
    await told
  }
}

function changedMeanwhile(): CseError {
  return new CseError(
    'ERR_CSE_SOURCE_CHANGED',
    'The file, or its inode, changed during the upload. Nothing was stored. Upload it again when nothing writes to it.',
  )
}
