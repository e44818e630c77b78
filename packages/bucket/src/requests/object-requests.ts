import {
  CseError,
  type GetObjectResponse,
  type HeaderMap,
  type ObjectReference,
  OSS_HEADERS,
  TransportError,
  type WorkerSide,
} from '@oss-cse/crypto-core'
import { type RetryContext, withRetries } from '../policy/retry.ts'
import { closeIterator, wasReplaced } from './resumed-read.ts'

/** The source of a download's bytes. */
export interface GetSource {
  /** The object of the last response. */
  readonly reference: ObjectReference
  /** Sends the request. */
  request(headers: HeaderMap, signal: AbortSignal): Promise<GetObjectResponse>
  /** Prepares the same request for a worker. Absent, or `undefined`: only `request` can send it. */
  workerSide?(headers: HeaderMap, signal: AbortSignal | undefined): Promise<WorkerSide | undefined>
  /** False if the request's signature does not allow further `x-oss-` headers, as in a presigned URL. */
  readonly ossHeaders: boolean
}

/** What the requests need of a source. */
export type RequestSource = Pick<GetSource, 'request' | 'ossHeaders'>

/** The requests of one get: the first one, and those that resume an interrupted read. */
export class ObjectRequests {
  readonly #source: RequestSource
  readonly #headers: HeaderMap
  readonly #context: RetryContext & { readonly signal: AbortSignal }
  #resumedFrom = -1
  #failuresThere = 0

  constructor(
    source: RequestSource,
    headers: HeaderMap,
    context: RetryContext & { readonly signal: AbortSignal },
  ) {
    this.#source = source
    this.#headers = headers
    this.#context = context
  }

  /** @param range - the Range header. Absent: the whole object */
  async first(range: string | undefined): Promise<GetObjectResponse> {
    const headers = range === undefined ? {} : this.#rangeHeaders(range)
    try {
      return await this.#closedIfUnused((send) => withRetries(() => send(headers), this.#context))
    } catch (error) {
      throw range === undefined ? ofWholeObject(error) : error
    }
  }

  /** Requests the rest of the same object after `error`. Gives up after too many attempts in a row without a byte. */
  async resume(etag: string, start: number, end: number, error: unknown): Promise<GetObjectResponse> {
    if (start !== this.#resumedFrom) this.#failuresThere = 0
    this.#resumedFrom = start
    this.#failuresThere += 1
    if (this.#failuresThere >= this.#context.retry.maxAttempts) throw error
    const headers = { ...this.#rangeHeaders(`bytes=${start}-${end}`), 'if-match': etag }
    let interruption: { readonly error: unknown } | undefined = { error }
    try {
      return await this.#closedIfUnused((send) =>
        withRetries(
          () => {
            // The interruption counts as the first failure, so the request waits like any second attempt.
            const first = interruption
            interruption = undefined
            return first === undefined ? send(headers) : Promise.reject(first.error)
          },
          { ...this.#context, operation: 'read' },
        ),
      )
    } catch (failure) {
      // The range was in the object that the first response was from.
      throw isBeyond(failure) ? wasReplaced(this.#context.key) : failure
    }
  }

  /** Sends requests until one succeeds. Closes its response if the signal aborts just as it arrives. */
  async #closedIfUnused(
    request: (send: (headers: HeaderMap) => Promise<GetObjectResponse>) => Promise<GetObjectResponse>,
  ): Promise<GetObjectResponse> {
    let response: GetObjectResponse | undefined
    try {
      return await request(async (headers) => {
        response = await this.#send(headers)
        return response
      })
    } catch (error) {
      if (response !== undefined) await closeIterator(response.body[Symbol.asyncIterator]())
      throw error
    }
  }

  #send(headers: HeaderMap): Promise<GetObjectResponse> {
    return this.#source.request({ ...this.#headers, ...headers }, this.#context.signal)
  }

  #rangeHeaders(range: string): HeaderMap {
    return { range, ...(this.#source.ossHeaders && { [OSS_HEADERS.rangeBehavior]: 'standard' }) }
  }
}

/** The error of a request for a whole object. A range that nobody asked for cannot be missing. */
export function ofWholeObject(error: unknown): unknown {
  if (!isBeyond(error) || !TransportError.isInstance(error)) return error
  return TransportError.with(error, {
    code: 'ERR_CSE_SERVICE',
    message: `${error.message} The request was for the whole object, so the service contradicts itself.`,
  })
}

function isBeyond(error: unknown): error is CseError {
  return CseError.isInstance(error) && error.code === 'ERR_CSE_RANGE_NOT_SATISFIABLE'
}
