import {
  CseError,
  type GetObjectResponse,
  type HeaderMap,
  type HeadObjectResponse,
  type ObjectReference,
  type ObjectTransport,
  OSS_HEADERS,
  TransportError,
  type WorkerSide,
} from '@oss-cse/crypto-core'
import { referenceHeaders } from '../policy/request-headers.ts'
import { closeIterator } from '../requests/resumed-read.ts'

/** What reading needs of a transport. */
export type ReadTransport = Omit<ObjectTransport, 'put'>

/**
 * An object to read, or the target in the same bucket if the object is a symbolic link. The service responds to a link
 * with the link's own metadata, which does not contain the target's envelope. Without this class, the target's
 * ciphertext would be taken for a plain object.
 */
export class LinkedObject {
  readonly #transport: ReadTransport
  readonly #asked: Address
  /** The requested object, or the target of its link. */
  #current: Address

  constructor(transport: ReadTransport, key: string, versionId: string | undefined) {
    this.#transport = transport
    this.#asked = { key, versionId }
    this.#current = this.#asked
  }

  /** The object of the last response. */
  get reference(): ObjectReference {
    return { location: this.#transport.location, ...this.#current }
  }

  /** Forgets the target of a link, which may have changed. */
  forget(): void {
    this.#current = this.#asked
  }

  /**
   * Sends a GET and, if the object is a link, another one for its target.
   *
   * @throws CseError `ERR_CSE_OPERATION_REFUSED` for a link that the transport cannot follow; `ERR_CSE_SERVICE` for one
   * without a target; what the transport throws
   */
  get(headers: HeaderMap, signal: AbortSignal): Promise<GetObjectResponse> {
    return this.#read(
      headers,
      signal,
      () => this.#transport.get({ ...this.#current, headers, signal }),
      (response) => closeIterator(response.body[Symbol.asyncIterator]()),
    )
  }

  /** Prepares a GET for a worker. `undefined` also for the target of a link, which may be replaced by another one. */
  async workerSide(headers: HeaderMap, signal: AbortSignal | undefined): Promise<WorkerSide | undefined> {
    if (this.#current !== this.#asked) return undefined
    return this.#transport.workerSide?.({ operation: 'get', ...this.#current, headers, signal })
  }

  /**
   * Sends a HEAD and, if the object is a link, another one for its target.
   *
   * @throws CseError as `get`
   */
  head(headers: HeaderMap, signal: AbortSignal | undefined): Promise<HeadObjectResponse> {
    const send = (): Promise<HeadObjectResponse> =>
      this.#transport.head({ ...this.#current, headers, signal })
    return this.#read(headers, signal, send, async () => {})
  }

  async #read<Response extends { readonly headers: HeaderMap }>(
    headers: HeaderMap,
    signal: AbortSignal | undefined,
    send: () => Promise<Response>,
    close: (response: Response) => Promise<void>,
  ): Promise<Response> {
    const response = await this.#sendAgainWhenGone(send)
    if (!isLink(response.headers)) return response
    await close(response)
    await this.#follow(headers, signal)
    const ofTarget = await send()
    if (!isLink(ofTarget.headers)) return ofTarget
    await close(ofTarget)
    throw refusedLink(this.#current.key, 'it is the target of another symbolic link')
  }

  /** A target that no longer exists may have been replaced by another one. Then the link is read again. */
  async #sendAgainWhenGone<Response>(send: () => Promise<Response>): Promise<Response> {
    try {
      return await send()
    } catch (error) {
      const gone = CseError.isInstance(error) && error.code === 'ERR_CSE_NOT_FOUND'
      if (!gone || this.#current === this.#asked) throw error
      this.forget()
      return send()
    }
  }

  async #follow(headers: HeaderMap, signal: AbortSignal | undefined): Promise<void> {
    const { key } = this.#current
    if (typeof this.#transport.getSymlink !== 'function') {
      throw refusedLink(key, "this bucket's transport cannot find its target (it has no getSymlink)")
    }
    const request = { ...this.#current, headers: referenceHeaders(headers), signal }
    const { targetKey } = await this.#transport.getSymlink(request)
    if (typeof targetKey !== 'string' || targetKey === '') {
      throw new TransportError(
        'ERR_CSE_SERVICE',
        `The service did not return the target of the symbolic link ${key}.`,
        {
          retryable: false,
          objectKey: key,
        },
      )
    }
    this.#current = { key: targetKey, versionId: undefined }
  }
}

interface Address {
  readonly key: string
  readonly versionId: string | undefined
}

/**
 * Refuses a symbolic link where it cannot be followed.
 *
 * @throws CseError `ERR_CSE_OPERATION_REFUSED`
 */
export function refuseLink(key: string, headers: HeaderMap): void {
  if (isLink(headers)) throw refusedLink(key, 'a presigned URL cannot follow it. Read the object by its key')
}

function isLink(headers: HeaderMap): boolean {
  return headers[OSS_HEADERS.objectType]?.toLowerCase() === 'symlink'
}

function refusedLink(objectKey: string, why: string): CseError {
  return new CseError('ERR_CSE_OPERATION_REFUSED', `${objectKey} is a symbolic link: ${why}.`, { objectKey })
}
