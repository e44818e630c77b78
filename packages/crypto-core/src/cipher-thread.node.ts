import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { wipe } from './bytes.ts'
import { CHUNK_BYTES } from './chunks.ts'
import type { CipherAnswer, CipherRequest } from './cipher-messages.node.ts'
import { type CipherDigests, type CipherRun, type CipherRunOptions, startInlineRun } from './cipher-run.ts'
import { checkContentKey } from './content-key.ts'
import { CseError } from './errors.ts'
import type { ContentKey } from './ports.ts'
import type { Sha256 } from './sha256.ts'

/** How many chunks of one run may be with the thread. */
const DEPTH = 4
/** Buffers that are kept for the next chunks. */
const MAX_FREE_BUFFERS = 16

/** A chunk's answer that somebody waits for. */
interface Waiting {
  resolve(answer: CipherAnswer): void
  reject(error: unknown): void
}

/**
 * A thread that encrypts, decrypts and digests for any number of runs at a time. It is started by its first run; where
 * that fails, as in a bundle that left the thread's file out, runs go on in the caller's thread.
 */
export class CipherThread {
  /** True when the thread could not be started, or broke. */
  failed = false
  /** How many runs are under way. */
  load = 0
  #worker: Worker | undefined
  #ready: Promise<boolean> | undefined
  readonly #waiting = new Map<number, Waiting[]>()
  readonly #free: ArrayBuffer[] = []
  #lastRun = 0
  #answersDue = 0

  /** Starts a run; see CipherRun. */
  start(options: KeyedRunOptions, createSha256: () => Promise<Sha256>): CipherRun {
    checkContentKey(options.contentKey)
    // Copied at once: the caller may wipe its own.
    const cek = Uint8Array.from(options.contentKey.cek)
    const iv = Uint8Array.from(options.contentKey.iv)
    const own = { ...options, contentKey: { cek, iv } }
    this.#lastRun += 1
    const run = this.#lastRun
    let used = false
    let digests: CipherDigests = {}
    const transform = async function* (
      this: CipherThread,
      source: AsyncIterable<Uint8Array>,
    ): AsyncGenerator<Uint8Array, void, undefined> {
      if (used) throw new CseError('ERR_CSE_CIPHER_REUSED', 'This cipher run was used before.')
      used = true
      this.load += 1
      try {
        if (!(await this.#isReady())) {
          const inline = startInlineRun(own, createSha256)
          yield* inline.transform(source)
          digests = inline.digests()
          return
        }
        digests = yield* this.#transform(run, own, source)
      } finally {
        this.load -= 1
        wipe(cek, iv)
      }
    }.bind(this)
    return { transform, digests: () => digests }
  }

  async *#transform(
    run: number,
    { direction, contentKey, offsetBytes, crc64 = false, sha256 = false }: KeyedRunOptions,
    source: AsyncIterable<Uint8Array>,
  ): AsyncGenerator<Uint8Array, CipherDigests, undefined> {
    const { cek, iv } = contentKey
    this.#post({ run, type: 'start', direction, cek, iv, offsetBytes, crc64, sha256 })
    const buffers = this.#filled(source)[Symbol.asyncIterator]()
    const answers: Promise<CipherAnswer>[] = []
    let next: Promise<IteratorResult<Filled>> | undefined
    let ended = false
    try {
      while (!ended || answers.length > 0) {
        const [oldest] = answers
        // What is ready goes on at once; a slow source must not hold back what it gave before.
        if (oldest !== undefined && (ended || answers.length >= DEPTH)) {
          void answers.shift()
          yield chunkOf(await oldest)
          continue
        }
        next ??= handled(buffers.next())
        if (oldest !== undefined && (await Promise.race([oldest.then(() => true), next.then(() => false)]))) {
          void answers.shift()
          yield chunkOf(await oldest)
          continue
        }
        const { done, value } = await next
        next = undefined
        if (done) {
          ended = true
          continue
        }
        const request = { run, type: 'chunk', ...value } as const
        answers.push(handled(this.#ask(request, [value.buffer])))
      }
      const end = await this.#ask({ run, type: 'end' })
      return end.type === 'end' ? end : {}
    } finally {
      this.#post({ run, type: 'cancel' })
      this.#waiting.delete(run)
      // A read that is under way ends when its source does: nobody waits for that.
      const closed = handled(Promise.resolve(buffers.return?.(undefined)))
      if (next === undefined) await closed
    }
  }

  /** Gathers a source's bytes in buffers that can be handed over. */
  async *#filled(source: AsyncIterable<Uint8Array>): AsyncGenerator<Filled, void, undefined> {
    let buffer: ArrayBuffer | undefined
    let sizeBytes = 0
    for await (const chunk of source) {
      for (let offset = 0; offset < chunk.length; ) {
        buffer ??= this.#free.pop() ?? new ArrayBuffer(CHUNK_BYTES)
        const piece = chunk.subarray(offset, offset + CHUNK_BYTES - sizeBytes)
        new Uint8Array(buffer).set(piece, sizeBytes)
        sizeBytes += piece.length
        offset += piece.length
        if (sizeBytes < CHUNK_BYTES) continue
        yield { buffer, sizeBytes }
        buffer = undefined
        sizeBytes = 0
      }
    }
    if (buffer !== undefined) yield { buffer, sizeBytes }
  }

  /** Starts the thread, once. */
  #isReady(): Promise<boolean> {
    this.#ready ??= this.#launch().catch(() => {
      this.failed = true
      return false
    })
    return this.#ready
  }

  async #launch(): Promise<boolean> {
    const worker = new Worker(new URL(import.meta.resolve('@oss-cse/crypto-core/cipher-worker')), {
      name: 'oss-cse cipher',
      execArgv: [],
    })
    await once(worker, 'message')
    worker.on('message', (answer: CipherAnswer) => this.#answered(answer))
    worker.on('error', (error) => this.#broke(error))
    worker.on('exit', () => this.#broke(new Error('The cipher thread ended.')))
    // It must not keep the process alive; while somebody waits for it, it must.
    worker.unref()
    this.#worker = worker
    return true
  }

  #post(request: CipherRequest, transfer: readonly ArrayBuffer[] = []): void {
    this.#worker?.postMessage(request, transfer)
  }

  #ask(request: CipherRequest, transfer?: readonly ArrayBuffer[]): Promise<CipherAnswer> {
    return new Promise((resolve, reject) => {
      if (this.failed) {
        reject(new Error('The cipher thread is gone.'))
        return
      }
      const waiting = this.#waiting.get(request.run) ?? []
      this.#waiting.set(request.run, waiting)
      waiting.push({ resolve, reject })
      this.#answersDue += 1
      if (this.#answersDue === 1) this.#worker?.ref()
      this.#post(request, transfer)
    })
  }

  #answered(answer: CipherAnswer): void {
    if (answer.type === 'ready') return
    this.#answersDue -= 1
    if (this.#answersDue === 0) this.#worker?.unref()
    if (answer.type === 'chunk' && this.#free.length < MAX_FREE_BUFFERS) this.#free.push(answer.buffer)
    this.#waiting.get(answer.run)?.shift()?.resolve(answer)
  }

  #broke(error: unknown): void {
    this.failed = true
    for (const waiting of this.#waiting.values()) for (const { reject } of waiting) reject(error)
    this.#waiting.clear()
  }
}

type KeyedRunOptions = CipherRunOptions & { readonly contentKey: ContentKey }

interface Filled {
  readonly buffer: ArrayBuffer
  readonly sizeBytes: number
}

function chunkOf(answer: CipherAnswer): Uint8Array {
  return answer.type === 'chunk' ? answer.chunk : new Uint8Array()
}

/** The same promise; its failure, should nobody wait for it any more, is no unhandled one. */
function handled<Result>(promise: Promise<Result>): Promise<Result> {
  promise.catch(() => {})
  return promise
}
