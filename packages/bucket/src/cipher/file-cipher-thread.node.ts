import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { type ContentKey, CseError, wipe } from '@oss-cse/crypto-core'
import type { FileCipherRequest, FileCipherResponse } from './file-cipher-messages.node.ts'

/** A request without its id. */
type NewRequest = FileCipherRequest extends infer Each
  ? Each extends unknown
    ? Omit<Each, 'id'>
    : never
  : never

let shared: Promise<FileCipherThread | undefined> | undefined

/**
 * Returns the process's thread that reads, encrypts and digests files, and decrypts into them. Returns `undefined` if
 * the machine has no second core for it, or if it cannot start, as in a bundle without its file.
 */
export async function fileCipherThread(): Promise<FileCipherThread | undefined> {
  const started: typeof shared = shared ?? startShared()
  shared = started
  const thread = await started
  if (!thread?.isLost) return thread
  // Another caller may already have started the next one.
  if (shared === started) shared = undefined
  return fileCipherThread()
}

async function startShared(): Promise<FileCipherThread | undefined> {
  return availableParallelism() < 2 ? undefined : FileCipherThread.start().catch(() => undefined)
}

/**
 * Sends requests to a thread and waits for the responses. The thread does not keep the process alive, but pending
 * requests do.
 *
 * When the thread ends, for any reason, all its pending requests reject with `ERR_CSE_THREAD`, and the buffers that it
 * held are gone.
 */
export class FileCipherThread {
  readonly #worker: Worker
  readonly #pending = new Map<
    number,
    { resolve(response: FileCipherResponse): void; reject(error: unknown): void }
  >()
  /** The error that ended the thread, if it reported one. */
  #cause: unknown
  #lost = false
  #lastId = 0

  private constructor(worker: Worker) {
    this.#worker = worker
    worker.on('message', (response: FileCipherResponse) => this.#received(response))
    worker.on('error', (error) => {
      this.#cause ??= error
    })
    // A response that cannot be deserialized has no id, so its request would stay pending forever.
    worker.on('messageerror', (error) => {
      this.#cause ??= error
      void worker.terminate()
    })
    // Not earlier: until the exit the thread may still use a file descriptor, which a closed file's successor would
    // reuse.
    worker.on('exit', () => this.#ended())
    worker.unref()
  }

  /** Whether the thread has ended. It then serves no more requests. */
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
    const ended = once(worker, 'exit').then(() =>
      Promise.reject(new Error('The thread ended before it was ready.')),
    )
    await Promise.race([once(worker, 'message'), ended])
    ended.catch(() => {})
    return new FileCipherThread(worker)
  }

  /**
   * Encrypts a range of a file into a buffer.
   *
   * @param buffer - at least as long as the range; the response returns it
   */
  async encrypt(
    run: Pick<
      Extract<FileCipherRequest, { type: 'encrypt' }>,
      'fd' | 'positionBytes' | 'offsetBytes' | 'sizeBytes'
    >,
    contentKey: ContentKey,
    buffer: ArrayBuffer,
  ): Promise<FileCipherResponse> {
    return this.#sendKey(contentKey, (key) =>
      this.#send({ type: 'encrypt', ...run, ...key, buffer }, [buffer]),
    )
  }

  /** Starts to decrypt a range of an object into a file. Pass the ciphertext chunk by chunk, then end the run. */
  async decrypt(fd: number, offsetBytes: number, contentKey: ContentKey): Promise<FileDecryption> {
    this.#lastId += 1
    const run = this.#lastId
    const { failure } = await this.#sendKey(contentKey, (key) =>
      this.#send({ type: 'decrypt', run, fd, offsetBytes, ...key }),
    )
    if (failure !== undefined) throw threadLost(new Error(failure.message))
    return {
      write: (buffer, sizeBytes) => this.#send({ type: 'chunk', run, sizeBytes, buffer }, [buffer]),
      end: () => this.#send({ type: 'end', run }),
    }
  }

  /** Sends a copy of the key, which the thread wipes after use; the one that was copied from here is wiped at once. */
  #sendKey(
    { cek, iv }: ContentKey,
    send: (key: ContentKey) => Promise<FileCipherResponse>,
  ): Promise<FileCipherResponse> {
    // Arrays of their own: a message carries the whole buffer behind an array.
    const key = { cek: Uint8Array.from(cek), iv: Uint8Array.from(iv) }
    try {
      return send(key)
    } finally {
      wipe(key.cek, key.iv)
    }
  }

  #send(request: NewRequest, transfer: readonly ArrayBuffer[] = []): Promise<FileCipherResponse> {
    return new Promise((resolve, reject) => {
      if (this.#lost) {
        reject(threadLost(this.#cause))
        return
      }
      this.#lastId += 1
      const id = this.#lastId
      this.#worker.postMessage({ ...request, id }, transfer)
      if (this.#pending.size === 0) this.#worker.ref()
      this.#pending.set(id, { resolve, reject })
    })
  }

  #received(response: FileCipherResponse): void {
    this.#pending.get(response.id)?.resolve(response)
    this.#pending.delete(response.id)
    if (this.#pending.size === 0) this.#worker.unref()
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

/** The error of work whose thread ended before the work did. */
export function threadLost(cause?: unknown): CseError {
  return new CseError(
    'ERR_CSE_THREAD',
    'The thread that encrypts and decrypts files ended before its work was done. Nothing was stored. Transfer the file again, and give the process more memory if it had too little.',
    { cause },
  )
}

/**
 * Runs work in a thread, and once more in a new thread if the first one is lost.
 *
 * @param work - gets the current thread on each call, and can be restarted
 * @throws CseError `ERR_CSE_THREAD` when the second thread is lost too; what the work throws
 */
export async function againWhenThreadLost<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (!CseError.isInstance(error) || error.code !== 'ERR_CSE_THREAD') throw error
    return work()
  }
}
