import type { AccessCredentials, CallOptions, CredentialsProvider } from '@oss-cse/crypto-core'
import { askCredentials } from '@oss-cse/crypto-core/internal'

const FRESH_MS = 60_000

/** Where the credentials of each request come from. */
export interface Refresher {
  /** The credentials of the moment; `undefined` where the client's own are all there is. */
  fresh(options?: CallOptions): Promise<AccessCredentials | undefined>
  /** Told of credentials that the service refused. */
  expire(refused: AccessCredentials): void
}

/**
 * Keeps the credentials of a transport young. In place of ali-oss's own `refreshSTSToken`, which is only asked when
 * there was a token to begin with, and lets the requests that come while it is being asked go out with the old one
 * (ali-oss 6.23 lib/common/utils/setSTSToken.js).
 */
export class CredentialRefresher implements Refresher {
  readonly #provider: CredentialsProvider
  readonly #timeoutMs: number
  #current: AccessCredentials | undefined
  /** When the provider was asked for the present ones. */
  #askedAt = 0

  constructor(provider: CredentialsProvider, timeoutMs: number) {
    this.#provider = provider
    this.#timeoutMs = timeoutMs
  }

  /**
   * Credentials that are less than a minute old.
   *
   * @throws what `askCredentials` throws
   */
  async fresh({ signal }: CallOptions = {}): Promise<AccessCredentials> {
    const now = Date.now()
    const age = now - this.#askedAt
    if (this.#current !== undefined && age >= 0 && age < FRESH_MS) return this.#current
    const given = await askCredentials(this.#provider, { timeoutMs: this.#timeoutMs, signal })
    // An answer that was long in coming does not replace a newer one.
    if (this.#current === undefined || now >= this.#askedAt) {
      this.#current = given
      this.#askedAt = now
    }
    return given
  }

  /** The service turned credentials down: unless there are newer ones, ask for some before the next request. */
  expire(refused: AccessCredentials): void {
    if (refused === this.#current) this.#current = undefined
  }
}
