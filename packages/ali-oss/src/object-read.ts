import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { DownloadOptions, GetResult } from '@oss-cse/bucket'
import { downloadFile, replaceFile } from '@oss-cse/bucket/node'
import { concatBytes, type HeaderMap, OSS_HEADERS } from '@oss-cse/crypto-core'
import { deadlineAbort } from '@oss-cse/crypto-core/internal'
import type OSS from 'ali-oss'
import { internalsOf } from './ali-oss-internals.ts'
import type { AliOssResponse } from './ali-oss-response.ts'
import { beginCall, stateOf } from './client-state.ts'
import { checkedMaxDecompressedBytes, decompressed } from './decompressed.ts'
import { ObjectStream } from './object-stream.ts'
import { getOptions, invalid, type ReadOptions } from './request-options.ts'
import type { ServiceCall } from './service-call.ts'

/** A file of at most this many bytes is read in one request. */
const ONE_REQUEST_BYTES = 16 * 1024 ** 2
const DEFAULT_PARALLEL = 3

/** The target of a download: the path of a file, a stream, or none for memory. */
export type GetTarget = string | NodeJS.WritableStream | null | undefined

/** The result of a download. */
export interface GetObjectResult {
  /** The content; absent when it went to a file or a stream. */
  readonly content?: Buffer
  readonly res: AliOssResponse
  /** Whether the object is sealed. Absent if the object is not modified (status 304). */
  readonly sealed?: boolean
  /** The commitment of a sealed object: pass it as `expectCommitment` to read that object and no other. */
  readonly commitment?: string
}

/** The result of a download into memory. */
export interface GottenContent extends GetObjectResult {
  readonly content: Buffer
}

/** The result of `getStream`. */
export interface GetStreamResult extends Omit<GetObjectResult, 'content'> {
  /**
   * The decrypted bytes, with `statusCode` and `headers`. The stream fails at its end if the checksum or the length
   * of the object was wrong, and before a byte of a sealed object that is not authentic.
   */
  readonly stream: Readable & Pick<AliOssResponse, 'statusCode' | 'headers'>
}

/** The result of a read without its body. */
type ReadResult = Omit<GetResult, 'body'>

/** What to read, and how. */
interface ReadRequest {
  readonly call: ServiceCall
  readonly key: string
  /** Sends the request. The signal cancels it, like the caller's own signal. */
  readonly open: (signal?: AbortSignal) => Promise<GetResult>
  readonly signal: AbortSignal | undefined
  readonly deadlineMs: number | undefined
  /** Reads into a file, which is replaced as a whole. */
  readonly download: (path: string) => Promise<ReadResult>
  /** The maximum length of decompressed content in memory. */
  readonly maxDecompressedBytes: number
  /** Maps a failure to the error for the caller. */
  readonly explain: (error: unknown) => unknown
}

/** Targets that have our error listener. */
const heard = new WeakSet<NodeJS.WritableStream>()

/** One read of one object. It returns the results in the form of ali-oss. */
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

  /** Reads to the end, into a file, a stream or memory. */
  async to(target: GetTarget): Promise<GetObjectResult> {
    return this.#resultOf(
      async () => {
        if (typeof target === 'string') return this.#described(await this.#download(target))
        if (target) return this.#toStream(target)
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
    return this.#resultOf(
      async () => {
        const result = await this.#open()
        const described = this.#described(result)
        return { stream: this.#stream(result.body, described.res), ...described }
      },
      (res) => {
        const { statusCode, headers } = res
        return { stream: Object.assign(Readable.from([]), { statusCode, headers }), res }
      },
    )
  }

  /** A target that fails ends the read with the target's error, even before there is anything to write. */
  async #toStream(target: NodeJS.WritableStream): Promise<GetObjectResult> {
    const abort = deadlineAbort({ signal: this.#signal, deadlineMs: this.#deadlineMs }, this.#key)
    let failure: { readonly error: unknown } | undefined
    const failed = (error: unknown): void => {
      // If the caller's signal ended the target, throw the signal's reason.
      if (abort.signal.aborted) return
      failure = { error }
      abort.abort(error)
    }
    checkTarget(target)
    target.on('error', failed)
    let stream: ObjectStream | undefined
    try {
      const result = await this.#open(abort.signal)
      const described = this.#described(result)
      stream = this.#stream(result.body, described.res)
      // With the signal, because a target that accepts no more data would not notice the end of the read.
      await pipeline(stream, target, { signal: abort.signal })
      return described
    } catch (error) {
      // The target may fail after the read, as a file does that is still being opened. Nobody would listen then.
      if (!heard.has(target)) target.on('error', () => {})
      heard.add(target)
      if (failure !== undefined) throw failure.error
      throw abort.signal.aborted ? abort.signal.reason : error
    } finally {
      abort.unlink()
      target.removeListener('error', failed)
      // If the target was closed before, pipeline does not destroy the stream.
      stream?.destroy()
    }
  }

  async #toMemory(): Promise<GetObjectResult> {
    const result = await this.#open()
    const chunks: Uint8Array[] = []
    for await (const chunk of result.body) chunks.push(chunk)
    const bytes = concatBytes(chunks)
    const content = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const described = this.#described(result)
    const encoding = described.res.headers['content-encoding']
    const decoded = await decompressed(content, encoding, this.#maxDecompressedBytes, result.key)
    return { content: decoded, ...described }
  }

  /** Runs a read. In ali-oss, "not modified" is a result, not an error. */
  async #resultOf<Result>(
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

  /** Makes the result for the caller, without the bytes. */
  #described(result: ReadResult): Omit<GetObjectResult, 'content'> {
    const { sealed, commitment } = result
    return { res: this.#response(result), sealed, ...(commitment !== undefined && { commitment }) }
  }

  /** Makes the response for the caller, with the requested range and its length. */
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

/** Throws for a target that is closed, because it would not emit an error. */
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
    download: (path) =>
      downloadFile(bucket, key, path, { ...how, ...rangesOf(client, options, how.headers) }),
    maxDecompressedBytes: maxDecompressedBytes(client, options),
    explain: (error) => call.explained(error),
  })
}

/** In how many requests a file is read. ali-oss sends one. */
function rangesOf(
  client: OSS,
  { parallel }: ReadOptions,
  headers: HeaderMap = {},
): Pick<DownloadOptions, 'parallel' | 'multipartThresholdBytes'> {
  const isLimited = Object.keys(headers).some((name) => name.toLowerCase() === OSS_HEADERS.trafficLimit)
  const oneRequest = isLimited || stateOf(client).encryption.fileWorkers === 0
  const atOnce = parallel ?? (oneRequest ? 1 : DEFAULT_PARALLEL)
  return {
    parallel: atOnce,
    multipartThresholdBytes: atOnce === 1 ? Number.POSITIVE_INFINITY : ONE_REQUEST_BYTES,
  }
}

/** Reads an object through a URL. */
export function readUrl(client: OSS, url: string | URL, options: ReadOptions): ObjectRead {
  const { versionId: _, ...asked } = getOptions(options)
  const how = { ...asked, context: asked.context ?? contextOfUrl(client, url) }
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

/**
 * Returns the context of the object that a URL names, by the `context` of the client. With `sldEnable`, the path of a URL
 * begins with the bucket.
 */
function contextOfUrl(client: OSS, url: string | URL): string | undefined {
  const { context } = stateOf(client).encryption
  // An invalid URL is refused later.
  if (context === undefined || !URL.canParse(String(url))) return undefined
  const path = new URL(url).pathname.slice(1)
  const name = internalsOf(client).options.sldEnable ? path.replace(/^[^/]*\//, '') : path
  return context(decoded(name))
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}

/** Returns the limit of the call, or else of the client. */
function maxDecompressedBytes(client: OSS, { maxDecompressedBytes }: ReadOptions): number {
  return checkedMaxDecompressedBytes(maxDecompressedBytes, stateOf(client).maxDecompressedBytes)
}

/** The arguments after the name: a target and options, or options alone. */
export type ReadArguments = readonly [
  target?: GetTarget | ReadOptions,
  options?: ReadOptions | null | undefined,
]

/** Distinguishes a target from options as ali-oss does. Any other value, such as `true`, means no target. */
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
