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
  /** Makes the access key temporary. Every request must then contain this token. */
  readonly securityToken?: string
}

/** The one account of the emulator: the current credentials, and the expired tokens. */
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

  /** Replaces the credentials. A replaced token has expired. */
  replace(next: KmsCredentials): void {
    const old = this.#present.securityToken
    if (old !== undefined) this.#expiredTokens.add(old)
    if (next.securityToken !== undefined) this.#expiredTokens.delete(next.securityToken)
    this.#present = next
    this.#knownIds.add(next.accessKeyId)
  }

  /** @throws Error when the current credentials have no token */
  expireToken(): void {
    if (this.#present.securityToken === undefined)
      throw new Error('The emulator has no security token that could expire.')
    this.#expiredTokens.add(this.#present.securityToken)
  }

  /** Whether an access key id is or was accepted. Any other value in its place may be a secret. */
  knows(accessKeyId: string): boolean {
    return this.#knownIds.has(accessKeyId)
  }

  /**
   * Returns the secret of an access key.
   *
   * @throws KmsError when the key is unknown, or its token missing, wrong or expired
   */
  secretOf(accessKeyId: string, token: string | undefined): string {
    // Checked first, because an expired token comes with an access key id that was replaced together with it.
    if (token !== undefined && this.#expiredTokens.has(token)) throw securityTokenExpired()
    if (accessKeyId !== this.#present.accessKeyId) throw accessKeyNotFound()
    if (token === this.#present.securityToken) return this.#present.accessKeySecret
    // Without its token, a temporary key is unknown.
    if (token === undefined) throw accessKeyNotFound()
    throw /^[\x21-\x7e]+$/.test(token) ? securityTokenMismatch() : securityTokenMalformed()
  }
}
