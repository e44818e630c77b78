import { randomUUID } from 'node:crypto'
import { BroadcastChannel } from 'node:worker_threads'
import { OSS_HEADERS, TransportError, type WorkerSide, type WorkerSideRequest } from '@oss-cse/crypto-core'
import { MemoryTransport } from '@oss-cse/crypto-core/testing'

/** A message of `worker-side.mjs`. */
interface Question {
  readonly id: string
  readonly request: WorkerSideRequest
  readonly sent?: readonly Uint8Array[]
  readonly abort?: boolean
}

/**
 * A transport in memory whose gets, puts and parts a worker can send. They arrive here, as those of any thread do, and
 * are in `requests` once.
 */
export class WorkerMemoryTransport extends MemoryTransport {
  /** The requests that were prepared for a worker, in their order. */
  readonly prepared: WorkerSideRequest[] = []
  /** Returns the error to throw for that of a worker's request. */
  failed: ((error: unknown) => unknown) | undefined
  readonly #channel = new BroadcastChannel(`worker-memory-transport ${randomUUID()}`)
  readonly #running = new Map<string, AbortController>()

  constructor() {
    super()
    this.#channel.unref()
    this.#channel.onmessage = (event) => void this.#respond((event as { data: Question }).data)
  }

  async workerSide({ signal, ...request }: WorkerSideRequest): Promise<WorkerSide | undefined> {
    signal?.throwIfAborted()
    this.prepared.push(request)
    return {
      module: new URL('./worker-side.mjs', import.meta.url).href,
      data: { channel: this.#channel.name, request },
      failed: this.failed,
    }
  }

  async #respond({ id, request, sent, abort }: Question): Promise<void> {
    if (abort) {
      this.#running.get(id)?.abort(new Error('aborted'))
      return
    }
    if (request === undefined) return
    const controller = new AbortController()
    this.#running.set(id, controller)
    const chunks: Uint8Array[] = []
    let response: unknown
    try {
      const { signal } = controller
      if (request.operation === 'get') {
        const { body, ...rest } = await this.get({ ...request, signal })
        response = rest
        for await (const chunk of body) chunks.push(Uint8Array.from(chunk))
      } else {
        const { sizeBytes } = request
        async function* open(): AsyncGenerator<Uint8Array, void, undefined> {
          yield* sent ?? []
        }
        const upload = { ...request, signal, body: { sizeBytes, open } }
        response = 'partNumber' in upload ? ofPart(await this.uploadPart(upload)) : await this.put(upload)
      }
      this.#channel.postMessage({ answers: id, response, chunks })
    } catch (error) {
      this.#channel.postMessage({ answers: id, response, chunks, error: fieldsOf(error) })
    } finally {
      this.#running.delete(id)
    }
  }
}

function ofPart({ etag, crc64 }: { etag: string; crc64?: bigint | undefined }): object {
  const headers = { etag, ...(crc64 !== undefined && { [OSS_HEADERS.crc64]: String(crc64) }) }
  return { status: 200, headers }
}

function fieldsOf(error: unknown): object {
  const { message } = error as Error
  return TransportError.isInstance(error) ? { ...error, message, cause: undefined } : { message }
}
