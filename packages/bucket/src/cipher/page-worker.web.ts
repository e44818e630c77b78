import { type ContentKey, wipe } from '@oss-cse/crypto-core'
import { CEK_BYTES, IV_BYTES } from '@oss-cse/crypto-core/internal'
import { startWorker } from '#start-worker'
import type { EncryptedBlobPart, PartJob, PartJobResult } from './part-worker-messages.web.ts'

/** A worker without work ends after this time, because it holds some memory. */
const IDLE_MS = 30_000

/** What is encrypted of a part. */
type Part = Pick<PartJob, 'blob' | 'range' | 'sealedContext'>

/** The worker of a page, started when it is needed. */
export class PageWorkers {
  #starting: Promise<PageWorker | undefined> | undefined
  /** Whether the worker could not start, or was lost. Then none is tried again. */
  #unavailable = false

  /**
   * Encrypts a part in the worker.
   *
   * @param contentKey - returns the key when it is copied for the worker, and throws once it is wiped
   * @returns `undefined` if there is no worker, or it could not encrypt the part
   */
  async encrypt(part: Part, contentKey: () => ContentKey): Promise<EncryptedBlobPart | undefined> {
    if (this.#unavailable) return undefined
    this.#starting ??= this.#start()
    const worker = await this.#starting
    return worker?.encrypt(part, contentKey())
  }

  /** Ends the worker. The next part starts another. */
  async end(): Promise<void> {
    const worker = await this.#starting
    worker?.end()
  }

  async #start(): Promise<PageWorker | undefined> {
    try {
      return await PageWorker.start({
        onEnd: () => {
          this.#starting = undefined
        },
        onLost: () => {
          this.#unavailable = true
        },
      })
    } catch {
      this.#unavailable = true
      return undefined
    }
  }
}

/** What a worker tells. */
interface WorkerWatch {
  /** Called when it ends, for whatever reason. */
  onEnd(): void
  /** Called before that, if it ends by itself. */
  onLost(): void
}

/** A worker that encrypts parts of Blobs. */
class PageWorker {
  readonly #worker: Worker
  readonly #watch: WorkerWatch
  readonly #pending = new Map<number, (part: EncryptedBlobPart | undefined) => void>()
  #lastId = 0
  #idle: ReturnType<typeof setTimeout> | undefined

  private constructor(worker: Worker, watch: WorkerWatch) {
    this.#worker = worker
    this.#watch = watch
    worker.onmessage = ({ data }: MessageEvent<PartJobResult>) => this.#done(data.id, data.part)
    worker.onerror = worker.onmessageerror = () => {
      watch.onLost()
      this.end()
    }
    this.#waitForWork()
  }

  static async start(watch: WorkerWatch): Promise<PageWorker> {
    // WebCrypto exists only in secure contexts, and the worker has no other engine.
    if (crypto.subtle === undefined) throw new TypeError('There is no WebCrypto.')
    const { source } = await import('#part-worker')
    return new PageWorker(await startWorker(source), watch)
  }

  async encrypt(part: Part, contentKey: ContentKey): Promise<EncryptedBlobPart | undefined> {
    clearTimeout(this.#idle)
    this.#lastId += 1
    const id = this.#lastId
    const key = joined(contentKey)
    const done = new Promise<EncryptedBlobPart | undefined>((resolve) => this.#pending.set(id, resolve))
    try {
      this.#worker.postMessage({ ...part, id, key } satisfies PartJob, [key])
    } catch {
      // A value that looks like a Blob, but cannot be sent.
      wipe(new Uint8Array(key))
      this.#done(id, undefined)
    }
    return done
  }

  #done(id: number, part: EncryptedBlobPart | undefined): void {
    this.#pending.get(id)?.(part)
    this.#pending.delete(id)
    if (this.#pending.size === 0) this.#waitForWork()
  }

  #waitForWork(): void {
    this.#idle = setTimeout(() => this.end(), IDLE_MS)
  }

  /** Ends the worker. Parts in it are left to the caller. */
  end(): void {
    this.#watch.onEnd()
    this.#worker.terminate()
    for (const resolve of this.#pending.values()) resolve(undefined)
    this.#pending.clear()
    clearTimeout(this.#idle)
  }
}

/** A copy of a content key that can be transferred. */
function joined({ cek, iv }: ContentKey): ArrayBuffer {
  const bytes = new Uint8Array(CEK_BYTES + IV_BYTES)
  bytes.set(cek)
  bytes.set(iv, CEK_BYTES)
  return bytes.buffer
}
