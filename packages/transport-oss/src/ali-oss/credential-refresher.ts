import type { AccessCredentials, CallOptions, CredentialsProvider } from '@oss-cse/crypto-core'
import { askCredentials } from '@oss-cse/crypto-core/internal'

const FRESH_MS = 60_000

/** The source of the credentials of each request. */
export interface Refresher {
  /** Returns the current credentials, or `undefined` when only the client's own exist. */
  fresh(options?: CallOptions): Promise<AccessCredentials | undefined>
  /** Reports credentials that the service refused. */
  expire(refused: AccessCredentials): void
}

/**
 * Refreshes the credentials of a transport.
 *
 * It replaces the `refreshSTSToken` of ali-oss, which works only if there was a token at the start, and which lets
 * concurrent requests use the old token while it waits for a new one (ali-oss 6.23 lib/common/utils/setSTSToken.js).
 */
export class CredentialRefresher implements Refresher {
  readonly #provider: CredentialsProvider
  readonly #timeoutMs: number
  #current: AccessCredentials | undefined
  /** When the provider was asked for the current credentials. */
  #askedAt = 0

  constructor(provider: CredentialsProvider, timeoutMs: number) {
    this.#provider = provider
    this.#timeoutMs = timeoutMs
  }

  /**
   * Returns credentials that are less than a minute old.
   *
   * @throws the errors of `askCredentials`
   */
  async fresh({ signal }: CallOptions = {}): Promise<AccessCredentials> {
    const now = Date.now()
    const age = now - this.#askedAt
    if (this.#current !== undefined && age >= 0 && age < FRESH_MS) return this.#current
    const given = await askCredentials(this.#provider, { timeoutMs: this.#timeoutMs, signal })
    // A late result does not replace a newer one.
    if (this.#current === undefined || now >= this.#askedAt) {
      this.#current = given
      this.#askedAt = now
    }
    return given
  }

  /**
   * Reports that the service refused these credentials. The next request refreshes them, unless they are replaced by
   * then.
   */
  expire(refused: AccessCredentials): void {
    if (refused === this.#current) this.#current = undefined
  }
}
