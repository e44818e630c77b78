import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { type ContentKey, CseError, orAborted, unwrapFailed, wipe } from '@oss-cse/crypto-core'
import { backgroundTimer } from '@oss-cse/crypto-core/internal'
import type { UnwrappingKey, UnwrapRequest } from './content-key-unwrap.ts'
import type { UnwrapMessage, UnwrapResponse } from './unwrap-messages.ts'

/** A worker without work ends after this time, and its references to private keys end with it. */
const MAX_IDLE_MS = 60_000
/** One request runs in the worker, and the next one is there already. The others wait here, where an abort drops them. */
const MAX_SENT = 2

/** An unwrap that somebody waits for. */
interface Job {
  readonly key: UnwrappingKey
  readonly request: UnwrapRequest
  readonly resolve: (contentKey: ContentKey) => void
  readonly reject: (error: unknown) => void
  /** Whether its caller has given up. Its content key is then wiped. */
  isAbandoned: boolean
}

let shared: Promise<UnwrapThread | undefined> | undefined

/**
 * Unwraps a content key in the process's worker thread. If the thread ends before the work does, the work is done once
 * more in a new thread.
 *
 * @returns `undefined` if no thread can start, as in a bundle without the worker's file
 * @throws CseError `ERR_CSE_UNWRAP_FAILED`, always the same; `ERR_CSE_THREAD` if the second thread ends too
 */
export async function unwrapInThread(
  key: UnwrappingKey,
  request: UnwrapRequest,
  signal: AbortSignal | undefined,
): Promise<ContentKey | undefined> {
  try {
    return await unwrapOnce(key, request, signal)
  } catch (error) {
    if (!CseError.isInstance(error) || error.code !== 'ERR_CSE_THREAD') throw error
    return unwrapOnce(key, request, signal)
  }
}

async function unwrapOnce(
  key: UnwrappingKey,
  request: UnwrapRequest,
  signal: AbortSignal | undefined,
): Promise<ContentKey | undefined> {
  const thread = await orAborted(sharedThread(), signal)
  return thread?.unwrap(key, request, signal)
}

/** Returns the process's thread, or `undefined` if none could start. */
async function sharedThread(): Promise<UnwrapThread | undefined> {
  const started: typeof shared = shared ?? UnwrapThread.start().catch(() => undefined)
  shared = started
  const thread = await started
  if (!thread?.hasEnded) return thread
  // Another caller may already have started the next one.
  if (shared === started) shared = undefined
  return sharedThread()
}

/**
 * Sends unwraps to a worker thread. An idle thread does not keep the process alive, but an unwrap does.
 *
 * When the thread ends, for any reason, all its unwraps reject with `ERR_CSE_THREAD`.
 */
export class UnwrapThread {
  readonly #worker: Worker
  /** In the order of the calls. */
  readonly #waiting = new Set<Job>()
  readonly #sent = new Map<number, Job>()
  /** The error that ended the thread, if it reported one. */
  #cause: unknown
  #hasEnded = false
  #lastId = 0
  #stopIdleTimer = (): void => {}

  private constructor(worker: Worker) {
    this.#worker = worker
    worker.on('message', (response: UnwrapResponse) => this.#received(response))
    worker.on('error', (error) => {
      this.#cause ??= error
    })
    // A response that cannot be deserialized has no id, so its unwrap would stay pending forever.
    worker.on('messageerror', (error) => {
      this.#cause ??= error
      void worker.terminate()
    })
    worker.on('exit', () => this.#exited())
    this.#rest()
  }

  /** Whether the thread serves no more unwraps. */
  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /**
   * Starts a thread.
   *
   * @param file - its code; by default this package's
   */
  static async start(
    // By the name of the package: a bundle finds the worker beside its own node_modules.
    file: URL = new URL(import.meta.resolve('@oss-cse/provider-rsa/unwrap-worker')),
  ): Promise<UnwrapThread> {
    const worker = new Worker(file, { name: 'oss-cse unwrap', execArgv: [] })
    const ended = once(worker, 'exit').then(() =>
      Promise.reject(new Error('The thread ended before it was ready.')),
    )
    await Promise.race([once(worker, 'message'), ended])
    ended.catch(() => {})
    return new UnwrapThread(worker)
  }

  /**
   * Unwraps a content key, which nobody else uses.
   *
   * @throws CseError `ERR_CSE_UNWRAP_FAILED`, always the same; `ERR_CSE_THREAD`; the signal's reason
   */
  async unwrap(
    key: UnwrappingKey,
    request: UnwrapRequest,
    signal: AbortSignal | undefined,
  ): Promise<ContentKey> {
    signal?.throwIfAborted()
    if (this.#hasEnded) throw threadLost(this.#cause)
    let onAbort = (): void => {}
    try {
      return await new Promise<ContentKey>((resolve, reject) => {
        const job: Job = { key, request, resolve, reject, isAbandoned: false }
        onAbort = () => this.#abandon(job, signal?.reason)
        signal?.addEventListener('abort', onAbort)
        this.#waiting.add(job)
        this.#sendNext()
      })
    } finally {
      signal?.removeEventListener('abort', onAbort)
    }
  }

  #sendNext(): void {
    for (const job of this.#waiting) {
      if (this.#sent.size >= MAX_SENT) return
      this.#waiting.delete(job)
      this.#lastId += 1
      try {
        const { key, request } = job
        this.#worker.postMessage({ id: this.#lastId, key, request } satisfies UnwrapMessage)
      } catch (error) {
        job.reject(error)
        continue
      }
      this.#sent.set(this.#lastId, job)
      if (this.#sent.size === 1) this.#wake()
    }
  }

  #abandon(job: Job, reason: unknown): void {
    this.#waiting.delete(job)
    job.isAbandoned = true
    job.reject(reason)
  }

  #received({ id, contentKey }: UnwrapResponse): void {
    const job = this.#sent.get(id)
    this.#sent.delete(id)
    if (contentKey === undefined) job?.reject(unwrapFailed())
    else if (job?.isAbandoned) wipe(contentKey.cek, contentKey.iv)
    else job?.resolve(contentKey)
    this.#sendNext()
    if (this.#sent.size === 0) this.#rest()
  }

  #wake(): void {
    this.#stopIdleTimer()
    this.#worker.ref()
  }

  #rest(): void {
    this.#worker.unref()
    this.#stopIdleTimer = backgroundTimer(() => {
      this.#hasEnded = true
      void this.#worker.terminate()
    }, MAX_IDLE_MS)
  }

  #exited(): void {
    this.#hasEnded = true
    this.#stopIdleTimer()
    for (const { reject } of [...this.#sent.values(), ...this.#waiting]) reject(threadLost(this.#cause))
    this.#sent.clear()
    this.#waiting.clear()
  }
}

function threadLost(cause: unknown): CseError {
  return new CseError(
    'ERR_CSE_THREAD',
    'The thread that unwraps content keys ended before its work was done. Read the object again, and give the process more memory if it had too little.',
    { cause },
  )
}
