import { type BucketTransport, CryptoBucket } from '@oss-cse/bucket'
import { CseError, TransportError, type UploadedPart } from '@oss-cse/crypto-core'
import { OssTransport } from '@oss-cse/transport-oss'
import type OSS from 'ali-oss'
import { internalsOf, plainClient } from './ali-oss-internals.ts'
import { type AliOssResponse, aliOssResponse, type ResponseParts } from './ali-oss-response.ts'
import type { EncryptionOptions } from './crypto-oss-options.ts'
import { type CallOptions, invalid } from './request-options.ts'
import { rangeError, serviceError } from './service-error.ts'
import { timeoutMsOf } from './timeout.ts'

/** What the parts of an upload are told to, as they happen. What it rejects with fails the upload. */
export interface UploadListener {
  /** The upload has begun. */
  initiated?(uploadId: string, response: AliOssResponse): void
  /** A part was stored. */
  uploaded?(part: UploadedPart, response: AliOssResponse): Promise<void> | void
  /** A part was refused: what is thrown in place of the reason. */
  refused?(reason: unknown, partNumber: number): unknown
}

/** One call of a `CryptoOSS`: the encrypted bucket that is in use now, and errors and answers in the form of ali-oss. */
export class ServiceCall {
  readonly bucketName: string
  readonly bucket: CryptoBucket
  /** How long nothing may move. */
  readonly timeoutMs: number | undefined
  /** In the bucket that the call began in. */
  readonly #plain: OSS
  readonly #begunMs = performance.now()
  /** What the transport threw. A key service has errors of the same class, which stay as they are. */
  readonly #failures = new WeakSet<object>()

  /**
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when the client has no bucket, or options that contradict one another
   */
  constructor(
    client: OSS,
    encryption: EncryptionOptions,
    options: CallOptions = {},
    listener: UploadListener = {},
  ) {
    const { bucket } = internalsOf(client).options
    if (!bucket) throw invalid('it has no bucket yet. Pass `bucket`, or call useBucket')
    this.timeoutMs = timeoutMsOf(client, options.timeout)
    this.#plain = plainClient(client, bucket)
    if (internalsOf(client).urllib !== internalsOf(this.#plain).urllib) {
      throw invalid('bytes do not go through `urllib`. Give the client a proxy agent as `httpsAgent` instead')
    }
    const transport = new OssTransport({ client: this.#plain, idleTimeoutMs: this.timeoutMs })
    this.bucketName = bucket
    this.bucket = new CryptoBucket({ ...encryption, transport: this.#watched(transport, listener) })
  }

  /** The object's key: ali-oss strips leading slashes. */
  key(name: string): string {
    if (typeof name !== 'string') throw invalid('the name of an object is a text')
    return internalsOf(this.#plain)._objectName(name)
  }

  /** The object's address. */
  url(key: string): string {
    return internalsOf(this.#plain)._objectUrl(key)
  }

  /** What ali-oss hands out of an answer. It took the time since `begunMs`, or else since the call began. */
  response(
    key: string,
    parts: Omit<ResponseParts, 'url' | 'begunMs'> & Partial<Pick<ResponseParts, 'begunMs'>>,
  ): AliOssResponse {
    return aliOssResponse({ begunMs: this.#begunMs, ...parts, url: this.url(key) })
  }

  /**
   * Runs one call of the bucket.
   *
   * @throws what the bucket throws; of the service and the network, the errors of ali-oss
   */
  async run<Result>(work: (bucket: CryptoBucket) => Promise<Result>): Promise<Result> {
    try {
      return await work(this.bucket)
    } catch (error) {
      throw this.explained(error)
    }
  }

  /** The error that a caller of ali-oss expects. */
  explained(error: unknown): unknown {
    if (TransportError.isInstance(error) && this.#failures.has(error)) return serviceError(error)
    if (CseError.isInstance(error) && error.code === 'ERR_CSE_RANGE_NOT_SATISFIABLE') return rangeError(error)
    return error
  }

  /** The answer that an object is not modified, which is no failure in ali-oss; `undefined` for any other. */
  notModified(key: string, error: unknown): AliOssResponse | undefined {
    if (!TransportError.isInstance(error) || error.code !== 'ERR_CSE_NOT_MODIFIED') return undefined
    return this.response(key, { status: 304, headers: error.headers ?? {} })
  }

  /** A transport that notes what it throws, and tells the listener of parts. */
  #watched(transport: OssTransport, listener: UploadListener): BucketTransport {
    const noting = async <Result>(call: Promise<Result>): Promise<Result> => {
      try {
        return await call
      } catch (error) {
        if (typeof error === 'object' && error !== null) this.#failures.add(error)
        throw error
      }
    }
    // No generator: it would keep who closes it waiting for the read that is under way.
    const notedBody = (body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> => ({
      [Symbol.asyncIterator]() {
        const chunks = body[Symbol.asyncIterator]()
        return {
          next: () => noting(chunks.next()),
          return: async () => (await chunks.return?.()) ?? { done: true, value: undefined },
        }
      },
    })
    return {
      location: transport.location,
      put: (request) => noting(transport.put(request)),
      get: async (request) => {
        const response = await noting(transport.get(request))
        return { ...response, body: notedBody(response.body) }
      },
      head: (request) => noting(transport.head(request)),
      // Not noted: ali-oss has no such call, and so no error of its own for it.
      getByUrl: (request) => transport.getByUrl(request),
      getSymlink: (request) => noting(transport.getSymlink(request)),
      initiate: async (request) => {
        const { uploadId, headers } = await noting(transport.initiate(request))
        listener.initiated?.(uploadId, this.response(request.key, { headers }))
        return { uploadId }
      },
      uploadPart: async (request) => {
        const begunMs = performance.now()
        const part = await noting(transport.uploadPart(request)).catch((error: unknown) => {
          throw listener.refused?.(error, request.partNumber) ?? error
        })
        const { headers } = part
        await listener.uploaded?.(part, this.response(request.key, { headers, begunMs }))
        return part
      },
      complete: (request) => noting(transport.complete(request)),
      abort: (request) => noting(transport.abort(request)),
      listParts: (request) => noting(transport.listParts(request)),
    }
  }
}
