import { Worker } from 'node:worker_threads'
import { concatBytes, type PutObjectResponse, type UploadedPart } from '@oss-cse/crypto-core'
import type { MemoryTransport } from '@oss-cse/crypto-core/testing'
import { vi } from 'vitest'
import type { FileCipherRequest } from '../src/cipher/file-cipher-messages.node.ts'
import type { FileCipherThread } from '../src/cipher/file-cipher-thread.node.ts'
import { borrowThread } from '../src/cipher/file-cipher-threads.node.ts'

/** Calls a function with each message to a thread, before it is sent. If it returns false, the message is lost. */
export function watchMessages(
  listener: (request: FileCipherRequest, worker: Worker) => boolean | undefined,
): void {
  const { postMessage } = Worker.prototype
  vi.spyOn(Worker.prototype, 'postMessage').mockImplementation(function (this: Worker, request, transfer) {
    if (listener(request, this) !== false) postMessage.call(this, request, transfer)
    // Buffers that were transferred to it are lost too.
    else structuredClone(request, { transfer: [...((transfer as ArrayBuffer[]) ?? [])] })
  })
}

/** The thread that the next transfer uses first. */
export async function firstThread(): Promise<FileCipherThread | undefined> {
  const borrowed = await borrowThread(1)
  borrowed?.giveBack()
  return borrowed?.thread
}

/**
 * Ends several threads, each instead of its n-th message of a type. Calls `onEnd` before that. Returns the threads, and
 * the keys that were shared with any.
 */
export function endThreads(
  type: FileCipherRequest['type'],
  { times = 1, at = 1, onEnd }: { times?: number; at?: number; onEnd?: () => void } = {},
): { readonly ended: ReadonlySet<Worker>; readonly keys: readonly SharedArrayBuffer[] } {
  const ended = new Set<Worker>()
  const keys: SharedArrayBuffer[] = []
  const counts = new Map<Worker, number>()
  watchMessages((request, worker) => {
    if ('key' in request) keys.push(request.key)
    if (request.type === type) counts.set(worker, (counts.get(worker) ?? 0) + 1)
    if (request.type === type && counts.get(worker) === at && ended.size < times) {
      ended.add(worker)
      onEnd?.()
      void worker.terminate()
    }
    return !ended.has(worker)
  })
  return { ended, keys }
}

/** Calls a function with each message of a thread, before the library gets it. */
export function watchResponses(listener: (message: unknown, worker: Worker) => void): void {
  const { emit } = Worker.prototype
  vi.spyOn(Worker.prototype, 'emit').mockImplementation(function (
    this: Worker,
    event: string | symbol,
    ...values: unknown[]
  ) {
    if (event === 'message') listener(values[0], this)
    return Reflect.apply(emit, this, [event, ...values])
  })
}

/** Collects the jobs of threads that have no response yet. Those that only release memory are left out. */
export function watchJobs(): ReadonlyMap<string, { readonly type: string; readonly worker: Worker }> {
  const jobs = new Map<string, { type: string; worker: Worker }>()
  watchMessages((request, worker) => {
    const { id, type } = request
    if (type !== 'abort' && type !== 'answer' && type !== 'release') {
      jobs.set(`${worker.threadId} ${id}`, { type, worker })
    }
    return true
  })
  watchResponses((message, worker) => {
    const { id, asks } = message as { id?: number; asks?: string }
    if (asks === undefined) jobs.delete(`${worker.threadId} ${id}`)
  })
  return jobs
}

/** One body that a transport received. */
export interface ReceivedBody {
  /** Zero for a whole object. */
  readonly partNumber: number
  readonly uploadId: string | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly bytes: Uint8Array
}

/** Collects what a transport receives. `change` may change or lose the n-th response, from 1. */
export function watchBodies(
  transport: MemoryTransport,
  change: <Response extends PutObjectResponse | UploadedPart>(
    response: Response,
    n: number,
  ) => Response | Promise<Response> = (response) => response,
): ReceivedBody[] {
  const received: ReceivedBody[] = []
  const put = transport.put.bind(transport)
  const uploadPart = transport.uploadPart.bind(transport)
  async function bytesOf(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
    const chunks: Uint8Array[] = []
    for await (const chunk of body) chunks.push(Uint8Array.from(chunk))
    return concatBytes(chunks)
  }
  const held = (bytes: Uint8Array) => ({
    sizeBytes: bytes.length,
    async *open() {
      yield bytes
    },
  })
  transport.put = async (request) => {
    const bytes = await bytesOf(request.body.open())
    const n = received.push({ partNumber: 0, uploadId: undefined, headers: request.headers, bytes })
    return change(await put({ ...request, body: held(bytes) }), n)
  }
  transport.uploadPart = async (request) => {
    const { partNumber, uploadId, headers } = request
    const bytes = await bytesOf(request.body.open())
    const n = received.push({ partNumber, uploadId, headers, bytes })
    return change(await uploadPart({ ...request, body: held(bytes) }), n)
  }
  return received
}
