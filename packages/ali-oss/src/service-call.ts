import { type BucketTransport, CryptoBucket, type CryptoBucketOptions } from '@oss-cse/bucket'
import { CseError, TransportError, type UploadedPart } from '@oss-cse/crypto-core'
import { OssTransport } from '@oss-cse/transport-oss'
import type OSS from 'ali-oss'
import { internalsOf, plainClient } from './ali-oss-internals.ts'
import { type AliOssResponse, aliOssResponse, type ResponseParts } from './ali-oss-response.ts'
import type { EncryptionOptions } from './crypto-oss-options.ts'
import { type CallOptions, invalid } from './request-options.ts'
import { rangeError, serviceError } from './service-error.ts'
import { timeoutMsOf } from './timeout.ts'

/** Receives events of the parts of an upload. If it rejects, the upload fails. */
export interface UploadListener {
  /** The upload has started. */
  initiated?(uploadId: string, response: AliOssResponse): void
  /** A part was stored. */
  uploaded?(part: UploadedPart, response: AliOssResponse): Promise<void> | void
  /** A part was refused. The returned value is thrown instead of the reason. */
  refused?(reason: unknown, partNumber: number): unknown
}

/**
 * One call of a `CryptoOSS`. It uses the current encrypted bucket, and returns errors and responses in the form of
 * ali-oss.
 */
export class ServiceCall {
  readonly bucketName: string
  readonly bucket: CryptoBucket
  /** The idle timeout. */
  readonly timeoutMs: number | undefined
  /** In the bucket that the call started in. */
  readonly #plain: OSS
  readonly #begunMs = performance.now()
  /** Errors that the transport threw. Errors of a key service have the same class, and stay unchanged. */
  readonly #failures = new WeakSet<object>()

  /**
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when the client has no bucket, or options that contradict each other
   */
  constructor(
    client: OSS,
    encryption: EncryptionOptions,
    options: CallOptions = {},
    listener: UploadListener = {},
  ) {
    const { bucket } = internalsOf(client).options
    if (!bucket) throw invalid('the client has no bucket yet. Pass `bucket`, or call useBucket')
    this.timeoutMs = timeoutMsOf(client, options.timeout)
    this.#plain = plainClient(client, bucket)
    if (internalsOf(client).urllib !== internalsOf(this.#plain).urllib) {
      throw invalid(
        '`urllib` and `enableProxy` are not supported. Give the client a proxy agent as `httpsAgent` instead',
      )
    }
    const transport = new OssTransport({ client: this.#plain, idleTimeoutMs: this.timeoutMs })
    this.bucketName = bucket
    this.bucket = newBucket({ ...encryption, transport: this.#watched(transport, listener) })
  }

  /** Returns the key of the object. ali-oss removes leading slashes. */
  key(name: string): string {
    if (typeof name !== 'string') throw invalid('the name of an object must be a string')
    return internalsOf(this.#plain)._objectName(name)
  }

  /** Returns the address of the object. */
  url(key: string): string {
    return internalsOf(this.#plain)._objectUrl(key)
  }

  /** Makes the `res` of ali-oss. Its time counts from `begunMs`, or from the start of the call. */
  response(
    key: string,
    parts: Omit<ResponseParts, 'url' | 'begunMs'> & Partial<Pick<ResponseParts, 'begunMs'>>,
  ): AliOssResponse {
    return aliOssResponse({ begunMs: this.#begunMs, ...parts, url: this.url(key) })
  }

  /**
   * Runs one call of the bucket.
   *
   * @throws the errors of the bucket; errors of the service and the network in the form of ali-oss
   */
  async run<Result>(work: (bucket: CryptoBucket) => Promise<Result>): Promise<Result> {
    try {
      return await work(this.bucket)
    } catch (error) {
      throw this.explained(error)
    }
  }

  /** Maps an error to the one that a caller of ali-oss expects. */
  explained(error: unknown): unknown {
    if (TransportError.isInstance(error) && this.#failures.has(error)) return serviceError(error)
    if (CseError.isInstance(error) && error.code === 'ERR_CSE_RANGE_NOT_SATISFIABLE') return rangeError(error)
    return error
  }

  /**
   * Returns the response for an object that is not modified, which is no error in ali-oss; `undefined` for any other
   * error.
   */
  notModified(key: string, error: unknown): AliOssResponse | undefined {
    if (!TransportError.isInstance(error) || error.code !== 'ERR_CSE_NOT_MODIFIED') return undefined
    return this.response(key, { status: 304, headers: error.headers ?? {} })
  }

  /** Returns a transport that records what it throws, and sends events to the listener. */
  #watched(transport: OssTransport, listener: UploadListener): BucketTransport {
    const noted = (error: unknown): unknown => {
      if (typeof error === 'object' && error !== null) this.#failures.add(error)
      return error
    }
    const noting = <Result>(call: Promise<Result>): Promise<Result> =>
      call.catch((error: unknown) => {
        throw noted(error)
      })
    const refused = (error: unknown, partNumber: number): unknown =>
      listener.refused?.(error, partNumber) ?? error
    // No generator: closing it would have to wait for a running read.
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
      workerSide: async (request) => {
        const side = await noting(transport.workerSide(request)).catch((error: unknown) => {
          throw request.operation === 'uploadPart' ? refused(error, request.partNumber) : error
        })
        if (side === undefined) return undefined
        const failed = (error: unknown): unknown => noted(side.failed?.(error) ?? error)
        if (request.operation !== 'uploadPart') return { ...side, failed }
        const { key, partNumber, sizeBytes } = request
        const begunMs = performance.now()
        return {
          ...side,
          failed: (error) => refused(failed(error), partNumber),
          stored: ({ headers }) => {
            const part = { partNumber, etag: headers['etag'] ?? '', sizeBytes }
            return listener.uploaded?.(part, this.response(key, { headers, begunMs }))
          },
        }
      },
      // Not recorded, because ali-oss has no such call and so no error for it.
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
          throw refused(error, request.partNumber)
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

/** Makes a bucket. An error of its options names the class that the app made. */
function newBucket(options: CryptoBucketOptions): CryptoBucket {
  try {
    return new CryptoBucket(options)
  } catch (error) {
    if (!CseError.isInstance(error)) throw error
    throw new CseError(error.code, error.message.replace(/^CryptoBucket:/, 'CryptoOSS:'))
  }
}
