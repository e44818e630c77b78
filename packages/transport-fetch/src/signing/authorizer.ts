import type { CallOptions } from '@oss-cse/crypto-core'

/** A request that needs a signature. It has no body: the signature does not cover one. It can be sent as JSON. */
export interface RequestToAuthorize {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'
  /** The object's key. Absent for a listing of the bucket. */
  readonly key?: string | undefined
  /** The parameters of the query, not escaped. A parameter without a value has the value ''. */
  readonly query: Readonly<Record<string, string>>
  /** The headers that a signature covers: `x-oss-*`, `content-type` and `content-md5`. Names are in lower case. */
  readonly headers: Readonly<Record<string, string>>
}

/** An authorized request. */
export interface AuthorizedRequest {
  /** The whole URL. */
  readonly url: string
  /** The headers to send in addition: `authorization` and those that it covers. */
  readonly headers: Readonly<Record<string, string>>
}

/** An unsuccessful response, as far as it can be about the authorization. */
export interface Refusal {
  readonly status: number
  readonly serviceCode: string | undefined
  /** The time of the service, in milliseconds since 1970, if the response shows it. */
  readonly serviceTimeMs: number | undefined
}

/** What can be wrong with an authorization and right with the next one. */
type Remedy = 'clock' | 'credentials'

/** Authorizes the requests of a transport. */
export interface Authorizer {
  authorize(request: RequestToAuthorize, options: CallOptions): Promise<AuthorizedRequest>
  /** Tells whether `authorize` may succeed later, after it threw an error that is no CseError. */
  mayRetry(error: unknown): boolean
  /**
   * Reports that the service refused a request.
   *
   * @returns what will be different in the next authorization, if that can help
   */
  refused(request: AuthorizedRequest, refusal: Refusal): Remedy | undefined
}
