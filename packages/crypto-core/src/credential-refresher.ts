import { askCredentials } from './ask-credentials.ts'
import type { AccessCredentials, CallOptions, CredentialsProvider } from './ports.ts'

/** For how long credentials are used that do not say when they expire. */
const FRESH_MS = 60_000
/** How long before they expire credentials are renewed. */
const MARGIN_MS = 300_000

/** The source of the credentials of each request. */
export interface Refresher {
  /** Returns the current credentials, or `undefined` when only the client's own exist. */
  fresh(options?: CallOptions): Promise<AccessCredentials | undefined>
  /** Reports credentials that the service refused. */
  expire(refused: AccessCredentials): void
}

/** Options of a `CredentialRefresher`. */
interface CredentialRefresherOptions {
  /** The maximum wait for the provider, in milliseconds. */
  readonly timeoutMs: number
  /** Returns the time of the service, in milliseconds since 1970. Default: the local clock. */
  readonly now?: (() => number) | undefined
}

/**
 * Keeps the credentials of a provider: until five minutes before they expire, or for a minute if they do not say when
 * they expire. Requests that wait share one call of the provider.
 *
 * It replaces the `refreshSTSToken` of ali-oss, which works only if there was a token at the start, and which lets
 * concurrent requests use the old token while it waits for a new one (ali-oss 6.23 lib/common/utils/setSTSToken.js).
 */
export class CredentialRefresher implements Refresher {
  readonly #provider: CredentialsProvider
  readonly #timeoutMs: number
  readonly #now: () => number
  #current: AccessCredentials | undefined
  /** When the provider was asked for the current credentials, by the local clock. */
  #askedAt = 0

  constructor(provider: CredentialsProvider, { timeoutMs, now = Date.now }: CredentialRefresherOptions) {
    this.#provider = provider
    this.#timeoutMs = timeoutMs
    this.#now = now
  }

  /**
   * Returns the current credentials. Asks the provider if there are none, or if they are old.
   *
   * @throws the errors of `askCredentials`
   */
  async fresh({ signal }: CallOptions = {}): Promise<AccessCredentials> {
    const askedAt = Date.now()
    if (this.#current !== undefined && this.#isFresh(this.#current, askedAt)) return this.#current
    const given = await askCredentials(this.#provider, { timeoutMs: this.#timeoutMs, signal })
    // A late result does not replace a newer one.
    if (this.#current === undefined || askedAt >= this.#askedAt) {
      this.#current = given
      this.#askedAt = askedAt
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

  /** New credentials are used for a minute even if they expire soon: a provider that caches has no newer ones. */
  #isFresh({ expiration }: AccessCredentials, localTime: number): boolean {
    const ageMs = localTime - this.#askedAt
    if (ageMs >= 0 && ageMs < FRESH_MS) return true
    return expiration !== undefined && this.#now() < expiration.getTime() - MARGIN_MS
  }
}
