import {
  CseError,
  type GetObjectResponse,
  type HeaderMap,
  type HeadObjectResponse,
  type ObjectReference,
  type ObjectTransport,
  OSS_HEADERS,
} from '@oss-cse/crypto-core'
import { closeIterator } from './resumed-read.ts'
import { referenceHeaders } from './upload-headers.ts'

/**
 * One object as it is read: behind a symbolic link, the link's target in the same bucket. The service answers for a link with
 * the link's own metadata, in which the target's envelope is not; taken as it comes, its ciphertext would pass for a plain
 * object.
 */
export class LinkedObject {
  readonly #transport: ObjectTransport
  /** What was asked for, or where it led. */
  #current: { readonly key: string; readonly versionId: string | undefined }

  constructor(transport: ObjectTransport, key: string, versionId: string | undefined) {
    this.#transport = transport
    this.#current = { key, versionId }
  }

  /** What the last response was of. */
  get reference(): ObjectReference {
    return { location: this.#transport.location, ...this.#current }
  }

  /**
   * Sends a GET, of the link and then of its target.
   *
   * @throws CseError `ERR_CSE_OPERATION_REFUSED` for a link that the transport cannot follow; what the transport throws
   */
  async get(headers: HeaderMap, signal: AbortSignal): Promise<GetObjectResponse> {
    const send = (): Promise<GetObjectResponse> => this.#transport.get({ ...this.#current, headers, signal })
    const response = await send()
    if (!isLink(response.headers)) return response
    await closeIterator(response.body[Symbol.asyncIterator]())
    await this.#follow(headers, signal)
    const ofTarget = await send()
    if (!isLink(ofTarget.headers)) return ofTarget
    await closeIterator(ofTarget.body[Symbol.asyncIterator]())
    throw refusedLink(this.#current.key, 'it is the target of another symbolic link')
  }

  /**
   * Sends a HEAD, of the link and then of its target.
   *
   * @throws CseError as `get`
   */
  async head(headers: HeaderMap, signal: AbortSignal | undefined): Promise<HeadObjectResponse> {
    const send = (): Promise<HeadObjectResponse> =>
      this.#transport.head({ ...this.#current, headers, signal })
    const response = await send()
    if (!isLink(response.headers)) return response
    await this.#follow(headers, signal)
    const ofTarget = await send()
    if (!isLink(ofTarget.headers)) return ofTarget
    throw refusedLink(this.#current.key, 'it is the target of another symbolic link')
  }

  async #follow(headers: HeaderMap, signal: AbortSignal | undefined): Promise<void> {
    const { key } = this.#current
    if (typeof this.#transport.getSymlink !== 'function') {
      throw refusedLink(key, "this bucket's transport cannot tell where it points to (it has no getSymlink)")
    }
    const request = { ...this.#current, headers: referenceHeaders(headers), signal }
    const { targetKey } = await this.#transport.getSymlink(request)
    this.#current = { key: targetKey, versionId: undefined }
  }
}

/**
 * Refuses a symbolic link where there is no way to follow it.
 *
 * @throws CseError `ERR_CSE_OPERATION_REFUSED`
 */
export function refuseLink(key: string, headers: HeaderMap): void {
  if (isLink(headers))
    throw refusedLink(key, 'a presigned URL does not lead to its target. Read it by its name')
}

function isLink(headers: HeaderMap): boolean {
  return headers[OSS_HEADERS.objectType]?.toLowerCase() === 'symlink'
}

function refusedLink(objectKey: string, why: string): CseError {
  return new CseError('ERR_CSE_OPERATION_REFUSED', `${objectKey} is a symbolic link: ${why}.`, { objectKey })
}
