import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { GetResult } from '@oss-cse/bucket'
import { downloadFile, replaceFile } from '@oss-cse/bucket/node'
import { concatBytes } from '@oss-cse/crypto-core'
import { deadlineAbort } from '@oss-cse/crypto-core/internal'
import type OSS from 'ali-oss'
import type { AliOssResponse } from './ali-oss-response.ts'
import { beginCall, stateOf } from './client-state.ts'
import { checkedMaxDecompressedBytes, decompressed } from './decompressed.ts'
import { ObjectStream } from './object-stream.ts'
import { getOptions, invalid, type ReadOptions } from './request-options.ts'
import type { ServiceCall } from './service-call.ts'

/** Where a download goes: a file by its path, a stream, or into memory. */
export type GetTarget = string | NodeJS.WritableStream | null | undefined

/** What came of a download. */
export interface GetObjectResult {
  /** The object; absent when it went to a file or a stream. */
  readonly content?: Buffer
  readonly res: AliOssResponse
}

/** An object that was read into memory. */
export interface GottenContent extends GetObjectResult {
  readonly content: Buffer
}

/** An object on its way. */
export interface GetStreamResult {
  /** The decrypted bytes, with `statusCode` and `headers`. It fails at the end when the object's checksum or length was wrong. */
  readonly stream: Readable & Pick<AliOssResponse, 'statusCode' | 'headers'>
  readonly res: AliOssResponse
}

/** What came of a read, its bytes elsewhere. */
type ReadResult = Omit<GetResult, 'body'>

/** What is read, and how it is asked for. */
interface ReadRequest {
  readonly call: ServiceCall
  readonly key: string
  /** Sends the request, which the signal cancels beside the caller's own. */
  readonly open: (signal?: AbortSignal) => Promise<GetResult>
  readonly signal: AbortSignal | undefined
  readonly deadlineMs: number | undefined
  /** Reads into a file, which is replaced as a whole. */
  readonly download: (path: string) => Promise<ReadResult>
  /** How long compressed content may become in memory. */
  readonly maxDecompressedBytes: number
  /** What a failure is called. */
  readonly explain: (error: unknown) => unknown
}

/** Targets whose errors are heard from now on. */
const heard = new WeakSet<NodeJS.WritableStream>()

/** One read of one object: what was asked for, and how it is handed out as ali-oss does. */
export class ObjectRead {
  readonly #call: ServiceCall
  readonly #key: string
  readonly #open: ReadRequest['open']
  readonly #signal: AbortSignal | undefined
  readonly #deadlineMs: number | undefined
  readonly #download: ReadRequest['download']
  readonly #maxDecompressedBytes: number
  readonly #explain: ReadRequest['explain']

  constructor({ call, key, open, signal, deadlineMs, download, maxDecompressedBytes, explain }: ReadRequest) {
    this.#call = call
    this.#key = key
    this.#open = open
    this.#signal = signal
    this.#deadlineMs = deadlineMs
    this.#download = download
    this.#maxDecompressedBytes = maxDecompressedBytes
    this.#explain = explain
  }

  /** Reads to the end: into a file, a stream, or memory. */
  async to(target: GetTarget): Promise<GetObjectResult> {
    return this.#answered(
      async () => {
        if (typeof target === 'string') return { res: this.#response(await this.#download(target)) }
        if (target) return { res: await this.#toStream(target) }
        return this.#toMemory()
      },
      async (res) => {
        if (!target) return { res, content: Buffer.alloc(0) }
        if (typeof target !== 'string') await pipeline(Readable.from([]), target)
        return { res }
      },
    )
  }

  /** Opens a stream. */
  async stream(): Promise<GetStreamResult> {
    return this.#answered(
      async () => {
        const result = await this.#open()
        const res = this.#response(result)
        return { stream: this.#stream(result.body, res), res }
      },
      (res) => {
        const { statusCode, headers } = res
        return { stream: Object.assign(Readable.from([]), { statusCode, headers }), res }
      },
    )
  }

  /** A target that fails, also before there is anything to write, ends the read with its own error. */
  async #toStream(target: NodeJS.WritableStream): Promise<AliOssResponse> {
    const abort = deadlineAbort({ signal: this.#signal, deadlineMs: this.#deadlineMs }, this.#key)
    let failure: { readonly error: unknown } | undefined
    const failed = (error: unknown): void => {
      // Of one that was ended by the caller's signal the signal's reason counts.
      if (abort.signal.aborted) return
      failure = { error }
      abort.abort(error)
    }
    checkTarget(target)
    target.on('error', failed)
    let stream: ObjectStream | undefined
    try {
      const result = await this.#open(abort.signal)
      const res = this.#response(result)
      stream = this.#stream(result.body, res)
      // With the signal: a target that takes no more would not notice that the read has ended.
      await pipeline(stream, target, { signal: abort.signal })
      return res
    } catch (error) {
      // It may fail later than the read, as a file does that is still being opened: then nobody would hear it.
      if (!heard.has(target)) target.on('error', () => {})
      heard.add(target)
      if (failure !== undefined) throw failure.error
      throw abort.signal.aborted ? abort.signal.reason : error
    } finally {
      abort.unlink()
      target.removeListener('error', failed)
      // Where the target was gone before, pipeline leaves it alone.
      stream?.destroy()
    }
  }

  async #toMemory(): Promise<GetObjectResult> {
    const result = await this.#open()
    const chunks: Uint8Array[] = []
    for await (const chunk of result.body) chunks.push(chunk)
    const bytes = concatBytes(chunks)
    const content = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const res = this.#response(result)
    const encoding = res.headers['content-encoding']
    return { content: await decompressed(content, encoding, this.#maxDecompressedBytes, result.key), res }
  }

  /** Runs a read. That the object is not modified is an answer like any other in ali-oss. */
  async #answered<Result>(
    work: () => Promise<Result>,
    notModified: (res: AliOssResponse) => Result | Promise<Result>,
  ): Promise<Result> {
    try {
      return await work()
    } catch (error) {
      const res = this.#call.notModified(this.#key, error)
      if (res === undefined) throw this.#explain(error)
      return await notModified(res)
    }
  }

  /** The answer in the caller's terms: with the range that was asked for, and its length. */
  #response({ headers: stored, sizeBytes, contentRange }: ReadResult): AliOssResponse {
    const { 'content-range': _aligned, ...headers } = stored
    return this.#call.response(this.#key, {
      status: contentRange === undefined ? 200 : 206,
      headers: {
        ...headers,
        'content-length': String(sizeBytes),
        ...(contentRange !== undefined && { 'content-range': contentRange }),
      },
      sizeBytes,
    })
  }

  #stream(body: ReadableStream<Uint8Array>, res: AliOssResponse): ObjectStream {
    return new ObjectStream({ body, explain: this.#explain, timeoutMs: this.#call.timeoutMs, res })
  }
}

/** Refuses a target that nothing can be written to any more: it would never say so. */
function checkTarget(target: NodeJS.WritableStream): void {
  const { errored, destroyed, writable, writableEnded } = target as Partial<Writable>
  if (errored) throw errored
  if (destroyed || writableEnded || writable === false) throw invalid('the target stream has ended')
}

/** Reads an object by its name. */
export function readObject(client: OSS, name: string, options: ReadOptions): ObjectRead {
  const how = getOptions(options)
  const call = beginCall(client, options)
  const { bucket } = call
  const key = call.key(name)
  return new ObjectRead({
    call,
    key,
    open: (signal = how.signal) => bucket.get(key, { ...how, signal }),
    signal: how.signal,
    deadlineMs: how.deadlineMs,
    // In one request, as ali-oss does.
    download: (path) =>
      downloadFile(bucket, key, path, { ...how, multipartThresholdBytes: Number.POSITIVE_INFINITY }),
    maxDecompressedBytes: maxDecompressedBytes(client, options),
    explain: (error) => call.explained(error),
  })
}

/** Reads an object through a URL. */
export function readUrl(client: OSS, url: string | URL, options: ReadOptions): ObjectRead {
  const { versionId: _, ...how } = getOptions(options)
  const call = beginCall(client, options)
  const open = (signal = how.signal): Promise<GetResult> => call.bucket.getByUrl(url, { ...how, signal })
  return new ObjectRead({
    call,
    key: 'the object of a URL',
    open,
    signal: how.signal,
    deadlineMs: how.deadlineMs,
    download: (path) =>
      replaceFile(path, async (append) => {
        const { body, ...result } = await open()
        for await (const chunk of body) await append(chunk)
        return result
      }),
    maxDecompressedBytes: maxDecompressedBytes(client, options),
    explain: (error) => error,
  })
}

/** The call's own limit, or the client's. */
function maxDecompressedBytes(client: OSS, { maxDecompressedBytes }: ReadOptions): number {
  return checkedMaxDecompressedBytes(maxDecompressedBytes, stateOf(client).maxDecompressedBytes)
}

/** What comes after the name: a target and options, or options alone. */
export type ReadArguments = readonly [
  target?: GetTarget | ReadOptions,
  options?: ReadOptions | null | undefined,
]

/** Tells a target from options as ali-oss does: what is neither, such as `true`, stands for no target. */
export function readArguments([first, second]: ReadArguments): {
  readonly target: GetTarget
  readonly options: ReadOptions
} {
  if (isTarget(first)) return { target: first, options: second ?? {} }
  const isOptions = Object.prototype.toString.call(first) === '[object Object]'
  return { target: undefined, options: (isOptions ? first : second) ?? {} }
}

function isTarget(target: GetTarget | ReadOptions): target is Exclude<GetTarget, null | undefined> {
  if (typeof target === 'string') return true
  const { write, end } = (target ?? {}) as Partial<NodeJS.WritableStream>
  return typeof write === 'function' && typeof end === 'function'
}
