import { invalidTarget, notOpen, type WebDownloadTarget, writeFailure } from './file-target.web.ts'
import { StreamedFile } from './web-file.web.ts'

/**
 * A file that the user chose, as the target of `downloadFile`. The browser keeps the bytes in a file of its own until all
 * have arrived and are verified. After a failure the file has its old content. An interrupted download starts from the
 * beginning.
 *
 * @param handle - what `showSaveFilePicker` returned. The page must be allowed to write to it
 *
 * @example
 * ```ts
 * const handle = await showSaveFilePicker({ suggestedName: 'film.mp4' })
 * await downloadFile(bucket, 'film.mp4', fileHandleTarget(handle))
 * ```
 */
export function fileHandleTarget(handle: FileSystemFileHandle): WebDownloadTarget {
  return new FileHandleTarget(handle)
}

class FileHandleTarget implements WebDownloadTarget {
  readonly #handle: FileSystemFileHandle
  #file: StreamedFile | undefined

  constructor(handle: FileSystemFileHandle) {
    this.#handle = handle
  }

  async check(): Promise<void> {
    try {
      await this.#handle.createWritable().then((writable) => writable.abort())
    } catch (cause) {
      throw invalidTarget(this.#name, cause)
    }
  }

  async open(sizeBytes: number): Promise<boolean> {
    await this.#using(async () => {
      this.#file ??= new StreamedFile(await this.#handle.createWritable(), new Blob())
      await this.#file.resize(0)
      await this.#file.resize(sizeBytes)
    })
    return false
  }

  async write(chunk: Uint8Array, offsetBytes: number): Promise<void> {
    await this.#using(() => this.#opened().write(chunk, offsetBytes))
  }

  /** Nothing is kept of an earlier run, so there is nothing to read. */
  read(): AsyncIterable<Uint8Array> {
    throw notOpen(this.#name)
  }

  async commit(): Promise<void> {
    await this.#using(() => this.#opened().close())
    this.#file = undefined
  }

  async discard(): Promise<void> {
    await this.#file?.abort().catch(() => {})
    this.#file = undefined
  }

  async close(): Promise<void> {
    await this.discard()
  }

  get #name(): string {
    return this.#handle.name
  }

  #opened(): StreamedFile {
    if (this.#file === undefined) throw notOpen(this.#name)
    return this.#file
  }

  async #using<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work()
    } catch (cause) {
      throw writeFailure(this.#name, cause)
    }
  }
}
