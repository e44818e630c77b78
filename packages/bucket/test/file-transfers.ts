import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ContentFormat } from '@oss-cse/crypto-core'
import type { MemoryTransport, RecordedRequest } from '@oss-cse/crypto-core/testing'
import { expect } from 'vitest'
import type { CryptoBucket, CryptoBucketOptions } from '../src/crypto-bucket.ts'
import { downloadFile } from '../src/files/download-file.node.ts'
import { putFile, uploadFile } from '../src/files/upload-file.node.ts'
import type { LogEvent } from '../src/policy/retry.ts'
import type { DownloadOptions } from '../src/resume/resumable-download.ts'
import type { UploadOptions } from '../src/resume/resumable-upload.ts'
import type { PutOptions } from '../src/write/put-object.ts'
import { pattern } from './bytes.ts'
import { memoryBucket } from './memory-bucket.ts'
import { pendingUploads } from './multipart.ts'
import { openFilesBelow } from './open-files.ts'
import { WatchedKeyring } from './watched-keys.ts'
import { WorkerMemoryTransport } from './worker-memory-transport.ts'

/** The length in bytes of all parts but the last. */
export const FILE_PART: number = 4 * 1024 ** 2
/** The content of a file that is large enough for workers: three parts. */
export const fileData: Uint8Array = pattern(2 * FILE_PART + 17)

/** The transfers whose bytes a worker moves. */
export const FILE_TRANSFERS = ['put', 'uploadPart', 'get'] as const
export type FileTransfer = (typeof FILE_TRANSFERS)[number]
/** The formats of an object. */
export const FORMATS: readonly ContentFormat[] = ['aes-ctr', 'sealed']
/** Each transfer of an object in each format. */
export const FORMATTED_TRANSFERS: readonly (readonly [FileTransfer, ContentFormat])[] = FORMATS.flatMap(
  (format) => FILE_TRANSFERS.map((transfer) => [transfer, format] as const),
)

/** Whether a worker sends this request. The first request of a download is sent without one. */
export function isByWorker({ operation, headers }: RecordedRequest): boolean {
  if (operation === 'get') return headers['range']?.startsWith('bytes=0-') === false
  return operation === 'put' || operation === 'uploadPart'
}

/** Options of the bucket. */
type BeginOptions = Pick<Partial<CryptoBucketOptions>, 'fileWorkers' | 'format'>

/** A directory with the file `in`, and a bucket that workers can use. Downloads write the file `out`. */
export class FileTransfers<Transport extends MemoryTransport = WorkerMemoryTransport> {
  readonly directory: string
  readonly transport: Transport
  readonly keyring: WatchedKeyring = new WatchedKeyring()
  readonly bucket: CryptoBucket
  readonly log: LogEvent[]

  private constructor(directory: string, transport: Transport, options: BeginOptions) {
    this.directory = directory
    const { keyring } = this
    const made = memoryBucket({ transport, keyring, ...options })
    this.transport = transport
    this.bucket = made.bucket
    this.log = made.log
  }

  static begin(transport?: undefined, options?: BeginOptions): Promise<FileTransfers>
  static begin<Transport extends MemoryTransport>(
    transport: Transport,
    options?: BeginOptions,
  ): Promise<FileTransfers<Transport>>
  static async begin(
    transport: MemoryTransport = new WorkerMemoryTransport(),
    options: BeginOptions = {},
  ): Promise<FileTransfers<MemoryTransport>> {
    const directory = await mkdtemp(join(tmpdir(), 'oss-cse-'))
    await writeFile(join(directory, 'in'), fileData)
    return new FileTransfers(directory, transport, options)
  }

  /** Removes the directory. */
  async end(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true })
  }

  /** The path of a file. */
  here(name: string): string {
    return join(this.directory, name)
  }

  async files(): Promise<string[]> {
    return (await readdir(this.directory)).sort()
  }

  /** Uploads the file with one request. */
  put(options: PutOptions = {}) {
    return putFile(this.bucket, 'a', this.here('in'), options)
  }

  /** Uploads the file in three parts. */
  uploadPart(options: UploadOptions = {}) {
    const parts = { multipartThresholdBytes: 1, partSizeBytes: FILE_PART, parallel: 1 }
    return uploadFile(this.bucket, 'a', this.here('in'), { ...parts, ...options })
  }

  /** Downloads the object in three parts. */
  get(options: DownloadOptions = {}) {
    const parts = { multipartThresholdBytes: FILE_PART, partSizeBytes: FILE_PART, parallel: 1 }
    return downloadFile(this.bucket, 'a', this.here('out'), { ...parts, ...options })
  }

  /** Creates the object that a transfer needs. */
  async prepare(transfer: FileTransfer): Promise<void> {
    if (transfer === 'get') await this.bucket.put('a', fileData)
    this.transport.requests.length = 0
    this.log.length = 0
  }

  /** Checks that a transfer has moved all bytes, and left nothing else. */
  async expectDone(transfer: FileTransfer, expected: Uint8Array = fileData): Promise<void> {
    const bytes = transfer === 'get' ? await readFile(this.here('out')) : await this.bucket.getBytes('a')
    expect(Buffer.compare(bytes, expected)).toBe(0)
    expect(await this.files()).toEqual(transfer === 'get' ? ['in', 'out'] : ['in'])
    await this.#expectClosed()
  }

  /** Checks that a transfer has left nothing. */
  async expectNothing(transfer: FileTransfer): Promise<void> {
    expect(await this.files()).toEqual(['in'])
    expect(this.transport.objects.size).toBe(transfer === 'get' ? 1 : 0)
    await this.#expectClosed()
  }

  async #expectClosed(): Promise<void> {
    expect(await openFilesBelow(this.directory)).toBe(0)
    expect(await pendingUploads(this.transport)).toBe(0)
    expect(this.keyring.wiped).toBe(true)
  }
}
