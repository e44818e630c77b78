import {
  accessKeyNotFound,
  securityTokenExpired,
  securityTokenMalformed,
  securityTokenMismatch,
} from './error-catalog.ts'

/** The credentials that sign requests. */
export interface KmsCredentials {
  readonly accessKeyId: string
  readonly accessKeySecret: string
  /** Makes the access key a temporary one: each request must then carry the token. */
  readonly securityToken?: string
}

/** The only account of the emulator: its current credentials, and its expired tokens. */
export class AcceptedCredentials {
  #present: KmsCredentials
  readonly #expiredTokens = new Set<string>()
  readonly #knownIds = new Set<string>()

  constructor(credentials: KmsCredentials) {
    this.#present = credentials
    this.#knownIds.add(credentials.accessKeyId)
  }

  get present(): KmsCredentials {
    return this.#present
  }

  /** Accepts other credentials from now on. A token that is replaced has expired. */
  replace(next: KmsCredentials): void {
    const old = this.#present.securityToken
    if (old !== undefined) this.#expiredTokens.add(old)
    if (next.securityToken !== undefined) this.#expiredTokens.delete(next.securityToken)
    this.#present = next
    this.#knownIds.add(next.accessKeyId)
  }

  /** @throws Error if the current credentials have no token */
  expireToken(): void {
    if (this.#present.securityToken === undefined)
      throw new Error('The credentials of the emulator have no security token.')
    this.#expiredTokens.add(this.#present.securityToken)
  }

  /** Returns whether an access key id is or was accepted. Any other text in its place may be a secret. */
  knows(accessKeyId: string): boolean {
    return this.#knownIds.has(accessKeyId)
  }

  /**
   * Returns the secret of an access key.
   *
   * @throws KmsError if the key is unknown, or its token is missing, wrong or expired
   */
  secretOf(accessKeyId: string, token: string | undefined): string {
    // This check comes first: an expired token comes with an access key id that was replaced together with it.
    if (token !== undefined && this.#expiredTokens.has(token)) throw securityTokenExpired()
    if (accessKeyId !== this.#present.accessKeyId) throw accessKeyNotFound()
    if (token === this.#present.securityToken) return this.#present.accessKeySecret
    // A temporary key without its token is treated as unknown.
    if (token === undefined) throw accessKeyNotFound()
    throw /^[\x21-\x7e]+$/.test(token) ? securityTokenMismatch() : securityTokenMalformed()
  }
}
