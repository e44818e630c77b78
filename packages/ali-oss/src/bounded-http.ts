import { Writable } from 'node:stream'
import { decompressed } from './decompressed.ts'

/** Far more than the longest document of the service, in bytes. */
const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024

/** The fields of ali-oss's HTTP requests that are read here. */
interface HttpRequest {
  readonly writeStream?: unknown
  readonly customResponse?: unknown
}

/** The fields of a response that ali-oss reads and that are used here. */
interface HttpResult {
  data?: unknown
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly res?: object
}

/** The HTTP client that ali-oss calls: `options.urllib` in its documentation. */
export interface HttpClient {
  request(url: string, args: HttpRequest): Promise<HttpResult>
}

/**
 * An HTTP client for ali-oss that limits the length of a response to that of the service's documents. urllib 2.44
 * collects and decompresses any length.
 */
export class BoundedHttp implements HttpClient {
  readonly #http: HttpClient
  #refusal: { readonly status: number } | undefined

  constructor(http: HttpClient) {
    this.#http = http
  }

  /** The status of a response that was too long or could not be decompressed. */
  get refusal(): { readonly status: number } | undefined {
    return this.#refusal
  }

  async request(url: string, args: HttpRequest): Promise<HttpResult> {
    if (args.writeStream || args.customResponse) return this.#http.request(url, args)
    const document = new BoundedDocument()
    let status = 0
    try {
      const result = await this.#http.request(url, { ...args, writeStream: document })
      status = result.status
      const received = document.bytes()
      const encoding = result.headers['content-encoding']
      const data = await decompressed(received, encoding, MAX_DOCUMENT_BYTES, 'the response')
      if (result.res) Object.assign(result.res, { data, size: received.length })
      return Object.assign(result, { data })
    } catch (error) {
      const ofResponse = document.isTooLong || status !== 0
      if (ofResponse) this.#refusal = { status: status || ((error as { status?: number }).status ?? 0) }
      throw error
    }
  }
}

/**
 * Collects a document, and fails when it becomes too long. It uses one buffer, because a list of single bytes would
 * take hundreds of times as much memory.
 */
class BoundedDocument extends Writable {
  #buffer = Buffer.alloc(4096)
  #size = 0

  get isTooLong(): boolean {
    return this.#size > MAX_DOCUMENT_BYTES
  }

  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#size)
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    const begin = this.#size
    this.#size += chunk.length
    if (this.isTooLong) {
      this.#buffer = Buffer.alloc(0)
      done(new Error('The response is too long.'))
      return
    }
    if (this.#size > this.#buffer.length) {
      const larger = Buffer.alloc(Math.max(this.#size, 2 * this.#buffer.length))
      this.#buffer.copy(larger)
      this.#buffer = larger
    }
    chunk.copy(this.#buffer, begin)
    done()
  }
}
