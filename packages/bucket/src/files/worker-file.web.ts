import { source } from '#file-worker'
import { startWorker } from '#start-worker'
import type { FileCall, FileCallResult, FileCalls } from './file-worker-messages.web.ts'
import type { WebFile } from './web-file.web.ts'

interface PendingCall {
  resolve(value: unknown): void
  reject(error: unknown): void
}

/** A file of the origin private file system that a worker of its own writes for the page. */
export class WorkerFile implements WebFile {
  readonly #worker: Worker
  readonly #pending = new Map<number, PendingCall>()
  #lastId = 0
  /** Set when the worker ended by itself. */
  #lost: Error | undefined

  private constructor(worker: Worker) {
    this.#worker = worker
    worker.onmessage = ({ data }: MessageEvent<FileCallResult>) => {
      const pending = this.#pending.get(data.id)
      this.#pending.delete(data.id)
      if ('error' in data) pending?.reject(data.error)
      else pending?.resolve(data.value)
    }
    worker.onerror = worker.onmessageerror = () => {
      worker.terminate()
      this.#lost = new Error('The worker of the file ended.')
      for (const { reject } of this.#pending.values()) reject(this.#lost)
      this.#pending.clear()
    }
  }

  /**
   * Opens a file.
   *
   * @returns `undefined` if no worker can start
   * @throws what the file system throws
   */
  static async open(handle: FileSystemFileHandle): Promise<WorkerFile | undefined> {
    const worker = await startWorker(source).catch(() => undefined)
    if (worker === undefined) return undefined
    const file = new WorkerFile(worker)
    try {
      await file.#call('open', handle)
      return file
    } catch (error) {
      worker.terminate()
      throw error
    }
  }

  async resize(sizeBytes: number): Promise<void> {
    await this.#call('resize', sizeBytes)
  }

  async write(chunk: Uint8Array, offsetBytes: number): Promise<void> {
    await this.#call('write', chunk, offsetBytes)
  }

  async read(offsetBytes: number, sizeBytes: number): Promise<Uint8Array> {
    return this.#call('read', offsetBytes, sizeBytes)
  }

  async close(): Promise<void> {
    try {
      await this.#call('close')
    } finally {
      this.#worker.terminate()
    }
  }

  async #call<Name extends keyof FileCalls>(
    call: Name,
    ...given: Parameters<FileCalls[Name]>
  ): Promise<Awaited<ReturnType<FileCalls[Name]>>> {
    if (this.#lost !== undefined) throw this.#lost
    this.#lastId += 1
    const id = this.#lastId
    const done = new Promise<unknown>((resolve, reject) => this.#pending.set(id, { resolve, reject }))
    this.#worker.postMessage({ id, call, given } as FileCall)
    return done as Promise<Awaited<ReturnType<FileCalls[Name]>>>
  }
}
