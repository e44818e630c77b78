import { CseError } from '@oss-cse/crypto-core'
import { digestText } from '../resume/transfer-record.ts'
import { invalidTarget, notOpen, type WebDownloadTarget, writeFailure } from './file-target.web.ts'
import { StreamedFile, SyncFile, type WebFile, type WorkerFileHandle } from './web-file.web.ts'
import { WorkerFile } from './worker-file.web.ts'

/** A file of at least this many bytes is worth a worker. */
const WORKER_BYTES = 8 * 1024 ** 2
/** How much of a file is read at a time, in bytes. */
const READ_BYTES = 1024 ** 2

/**
 * A file of the origin private file system, as the target of `downloadFile`. It has a temporary name in its directory until
 * everything has arrived and is verified. After a failure there is no file of that name, or the old one. With a
 * `checkpointStore`, an interrupted download resumes, even after a reload.
 *
 * The bytes are stored decrypted, and the browser may remove them when room is short: see `navigator.storage.persist()`.
 * A worker writes large files in place. Where none can start, what arrived before the page was closed is fetched again.
 *
 * @param path - the names of the directories, which are created if they are missing, and of the file
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for a name that no file can have
 *
 * @example
 * ```ts
 * await downloadFile(bucket, 'film.mp4', opfsTarget('films', 'film.mp4'), { checkpointStore })
 * const root = await navigator.storage.getDirectory()
 * const file = await (await (await root.getDirectoryHandle('films')).getFileHandle('film.mp4')).getFile()
 * ```
 */
export function opfsTarget(...path: readonly string[]): WebDownloadTarget {
  const isName = (name: string): boolean =>
    typeof name === 'string' && name !== '' && name !== '.' && name !== '..' && !/[/\\]/.test(name)
  const [name, ...directories] = path.toReversed()
  if (name === undefined || !path.every(isName)) {
    throw new CseError('ERR_CSE_INVALID_ARGUMENT', `${JSON.stringify(path)} is not the path of a file.`)
  }
  return new OpfsTarget(directories.toReversed(), name)
}

/** What the types of a file's handle lack. */
interface MovableHandle extends FileSystemFileHandle {
  move(name: string): Promise<void>
}

class OpfsTarget implements WebDownloadTarget {
  readonly identity: string
  readonly #directories: readonly string[]
  readonly #name: string
  readonly #temporaryName: string
  #open: { readonly file: WebFile; readonly handle: FileSystemFileHandle } | undefined

  constructor(directories: readonly string[], name: string) {
    this.#directories = directories
    this.#name = name
    this.identity = JSON.stringify(['opfs', ...directories, name])
    // Found again by the next run, and shorter than any limit.
    this.#temporaryName = `.oss-cse-${digestText(this.identity).slice(0, 32)}.part`
  }

  async check(): Promise<void> {
    try {
      const handle = await this.#temporary()
      if (!('move' in handle)) throw new DOMException('Files cannot be renamed.', 'NotSupportedError')
      if ((await handle.getFile()).size === 0) await this.discard()
    } catch (cause) {
      throw invalidTarget(this.#name, cause)
    }
  }

  async open(sizeBytes: number, keep: boolean): Promise<boolean> {
    return this.#using(async () => {
      await this.close()
      const handle = await this.#temporary()
      const content = await handle.getFile()
      const kept = keep && sizeBytes > 0 && content.size === sizeBytes
      const file = await openFile(handle, { content, sizeBytes, keep: kept })
      this.#open = { file, handle }
      if (kept) return true
      await file.resize(0)
      await this.#checkSpace(sizeBytes)
      await file.resize(sizeBytes)
      return false
    })
  }

  async write(chunk: Uint8Array, offsetBytes: number): Promise<void> {
    await this.#using(() => this.#opened().file.write(chunk, offsetBytes))
  }

  async *read(offsetBytes: number, sizeBytes: number): AsyncGenerator<Uint8Array, void, undefined> {
    for (let position = 0; position < sizeBytes; ) {
      const wanted = Math.min(READ_BYTES, sizeBytes - position)
      const bytes = await this.#using(() => this.#opened().file.read(offsetBytes + position, wanted))
      if (bytes.length === 0) return
      yield bytes
      position += bytes.length
    }
  }

  async commit(): Promise<void> {
    const { file, handle } = this.#opened()
    await this.#using(async () => {
      await file.close()
      await (handle as MovableHandle).move(this.#name)
    })
    this.#open = undefined
  }

  async discard(): Promise<void> {
    await this.close()
    try {
      await (await this.#directory()).removeEntry(this.#temporaryName)
    } catch {
      // It was not there, or the next run replaces it.
    }
  }

  async close(): Promise<void> {
    const opened = this.#open
    this.#open = undefined
    await opened?.file.close().catch(() => {})
  }

  #opened(): { readonly file: WebFile; readonly handle: FileSystemFileHandle } {
    if (this.#open === undefined) throw notOpen(this.#name)
    return this.#open
  }

  async #directory(): Promise<FileSystemDirectoryHandle> {
    let directory = await navigator.storage.getDirectory()
    for (const name of this.#directories) {
      directory = await directory.getDirectoryHandle(name, { create: true })
    }
    return directory
  }

  async #temporary(): Promise<FileSystemFileHandle> {
    const directory = await this.#directory()
    return directory.getFileHandle(this.#temporaryName, { create: true })
  }

  /** The browser refuses bytes that find no room when they arrive, so this looks before. */
  async #checkSpace(sizeBytes: number): Promise<void> {
    const { quota, usage } = await navigator.storage.estimate()
    if (quota === undefined || usage === undefined || quota - usage >= sizeBytes) return
    throw new CseError(
      'ERR_CSE_FILE',
      `${this.#name} could not be written: it needs ${sizeBytes} bytes, and the browser has ${Math.max(0, quota - usage)} left for this page.`,
    )
  }

  async #using<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work()
    } catch (cause) {
      throw writeFailure(this.#name, cause)
    }
  }
}

/** Opens a file to write in place, or if that is not possible through a stream. */
async function openFile(
  handle: FileSystemFileHandle,
  {
    content,
    sizeBytes,
    keep,
  }: { readonly content: File; readonly sizeBytes: number; readonly keep: boolean },
): Promise<WebFile> {
  // Only in a dedicated worker.
  if ('createSyncAccessHandle' in handle) {
    return new SyncFile(await (handle as WorkerFileHandle).createSyncAccessHandle())
  }
  const inWorker = sizeBytes < WORKER_BYTES ? undefined : await WorkerFile.open(handle)
  if (inWorker !== undefined) return inWorker
  return new StreamedFile(await handle.createWritable({ keepExistingData: keep }), content)
}
