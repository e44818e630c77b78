import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { ContentKey } from '@oss-cse/crypto-core'
import type {
  FileCipherJob,
  FileCipherMessage,
  FileCipherQuestions,
  FileCipherRequest,
  FileCipherResponse,
  FilePart,
  SharedKey,
} from './file-cipher-messages.node.ts'
import { threadLost } from './lost-thread.ts'
import { portable } from './portable-error.node.ts'
import { shareKey, wipeShared } from './shared-key.node.ts'

/** What a job needs beside its message. */
interface JobOptions {
  readonly transfer?: readonly ArrayBuffer[] | undefined
  readonly answers?: Partial<FileCipherQuestions> | undefined
  readonly signal?: AbortSignal | undefined
}

/** A job that needs a key, without it. */
type KeylessJob = FileCipherJob extends infer Each
  ? Each extends { readonly key: SharedKey }
    ? Omit<Each, 'key'>
    : never
  : never

interface PendingJob {
  readonly answers: Partial<FileCipherQuestions>
  resolve(response: FileCipherResponse): void
  reject(error: unknown): void
}

/**
 * Gives jobs to a thread and waits for the responses. The thread does not keep the process alive, but pending jobs do.
 *
 * When the thread ends, for any reason, all its pending jobs reject with `ERR_CSE_THREAD`, and the buffers that it
 * held are gone.
 */
export class FileCipherThread {
  readonly #worker: Worker
  readonly #pending = new Map<number, PendingJob>()
  /** The error that ended the thread, if it reported one. */
  #cause: unknown
  #lost = false
  #lastId = 0

  private constructor(worker: Worker) {
    this.#worker = worker
    worker.on('message', (message: FileCipherMessage) => this.#received(message))
    worker.on('error', (error) => {
      this.#cause ??= error
    })
    // A response that cannot be deserialized has no id, so its job would stay pending forever.
    worker.on('messageerror', (error) => {
      this.#cause ??= error
      void worker.terminate()
    })
    // Not earlier: until the exit the thread may still use a file descriptor, which a closed file's successor would
    // reuse.
    worker.on('exit', () => this.#ended())
    worker.unref()
  }

  /** Whether the thread has ended. It then serves no more jobs. */
  get isLost(): boolean {
    return this.#lost
  }

  /**
   * Starts a thread.
   *
   * @param file - its code; by default this package's
   */
  static async start(
    // By the name of the package: a bundle has no `#` names, and finds the worker beside its own node_modules.
    file: URL = new URL(import.meta.resolve('@oss-cse/bucket/file-cipher-worker')),
  ): Promise<FileCipherThread> {
    const worker = new Worker(file, { name: 'oss-cse file cipher', execArgv: [] })
    let hasEnded = false
    worker.once('exit', () => {
      hasEnded = true
    })
    const ended = once(worker, 'exit').then(() =>
      Promise.reject(new Error('The thread ended before it was ready, or right after that.')),
    )
    await Promise.race([once(worker, 'message'), ended])
    // If this thread was busy meanwhile, both events come at once, and nobody would hear of the exit any more.
    if (hasEnded) await ended
    ended.catch(() => {})
    return new FileCipherThread(worker)
  }

  /** Ends the thread. */
  async end(): Promise<void> {
    await this.#worker.terminate()
  }

  /**
   * Encrypts a range of a file into a buffer.
   *
   * @param buffer - at least as long as the range; the response returns it
   */
  async encrypt(part: FilePart, contentKey: ContentKey, buffer: ArrayBuffer): Promise<FileCipherResponse> {
    return this.runWithKey(contentKey, { type: 'encrypt', ...part, buffer }, { transfer: [buffer] })
  }

  /** Starts to decrypt a range of an object into a file. Pass the ciphertext chunk by chunk, then end the run. */
  async decrypt(fd: number, offsetBytes: number, contentKey: ContentKey): Promise<FileDecryption> {
    this.#lastId += 1
    const run = this.#lastId
    const { failure } = await this.runWithKey(contentKey, { type: 'decrypt', run, fd, offsetBytes })
    if (failure !== undefined) throw threadLost(new Error(failure.message))
    return {
      write: (buffer, sizeBytes) =>
        this.run({ type: 'chunk', run, sizeBytes, buffer }, { transfer: [buffer] }),
      end: () => this.run({ type: 'end', run }),
    }
  }

  /** Gives the thread a job with a content key. The shared copy of the key is wiped by the thread, or here. */
  async runWithKey(
    contentKey: ContentKey,
    job: KeylessJob,
    options?: JobOptions,
  ): Promise<FileCipherResponse> {
    const key = shareKey(contentKey)
    try {
      return await this.run({ ...job, key }, options)
    } finally {
      wipeShared(key)
    }
  }

  /**
   * Gives the thread a job. Resolves when it responds, even after an abort: until then it uses the job's file.
   *
   * @throws CseError `ERR_CSE_THREAD`
   */
  run(job: FileCipherJob, options: JobOptions = {}): Promise<FileCipherResponse> {
    const { transfer = [], answers = {}, signal } = options
    this.#lastId += 1
    const id = this.#lastId
    const abort = (): void => this.#post({ type: 'abort', id })
    const responded = new Promise<FileCipherResponse>((resolve, reject) => {
      if (this.#lost) {
        reject(threadLost(this.#cause))
        return
      }
      this.#post({ ...job, id }, transfer)
      if (this.#pending.size === 0) this.#worker.ref()
      this.#pending.set(id, { answers, resolve, reject })
    })
    if (signal === undefined) return responded
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    return responded.finally(() => signal.removeEventListener('abort', abort))
  }

  #post(request: FileCipherRequest, transfer: readonly ArrayBuffer[] = []): void {
    this.#worker.postMessage(request, transfer)
  }

  #received(message: FileCipherMessage): void {
    const { id } = message
    if ('asks' in message) {
      void this.#answer(message)
      return
    }
    this.#pending.get(id)?.resolve(message)
    this.#pending.delete(id)
    if (this.#pending.size === 0) this.#worker.unref()
  }

  async #answer({
    id,
    asks,
    argument,
    question,
  }: Extract<FileCipherMessage, { asks: unknown }>): Promise<void> {
    const answer = this.#pending.get(id)?.answers[asks] as ((argument: unknown) => unknown) | undefined
    try {
      const value = await answer?.(argument)
      if (question !== undefined) this.#post({ type: 'answer', id, question, value })
    } catch (error) {
      if (question !== undefined) this.#post({ type: 'answer', id, question, error: portable(error) })
    }
  }

  #ended(): void {
    this.#lost = true
    for (const { reject } of this.#pending.values()) reject(threadLost(this.#cause))
    this.#pending.clear()
  }
}

/** A range of an object that is being decrypted into a file. */
export interface FileDecryption {
  /** Sends ciphertext. Resolves, with the buffer, when it is in the file, decrypted. */
  write(buffer: ArrayBuffer, sizeBytes: number): Promise<FileCipherResponse>
  /** Returns the CRC-64 of all ciphertext. Must be called, even after a failure. */
  end(): Promise<FileCipherResponse>
}
