import { OssError } from '../protocol/oss-error.ts'

/** A security token of STS. */
export interface SecurityToken {
  readonly token: string
  /** From this time on the token is refused as expired. Default: it does not expire. */
  readonly expiresAt?: Date
}

/** The valid and expired tokens of the emulator's access key. */
export class SecurityTokens {
  readonly #expiry = new Map<string, Date | undefined>()

  constructor(tokens: readonly SecurityToken[] = []) {
    for (const token of tokens) this.add(token)
  }

  /**
   * Adds a token, or replaces the expiry of a known one.
   *
   * @throws Error for an empty token
   */
  add({ token, expiresAt }: SecurityToken): void {
    if (token === '') throw new Error('A security token must not be empty.')
    this.#expiry.set(token, expiresAt)
  }

  /** Whether the access key is a temporary one. Each request must then carry a token. */
  get areNeeded(): boolean {
    return this.#expiry.size > 0
  }

  /**
   * Checks the token of a request.
   *
   * @throws OssError `SecurityTokenExpired`, or `InvalidSecurityToken` for an unknown token
   */
  check(token: string, now: Date): void {
    if (!this.#expiry.has(token)) {
      throw new OssError(403, 'InvalidSecurityToken', 'The security token you provided is invalid.')
    }
    const expiresAt = this.#expiry.get(token)
    if (expiresAt !== undefined && now >= expiresAt) {
      throw new OssError(403, 'SecurityTokenExpired', 'The security token you provided has expired.', {
        ec: '0002-00000007',
      })
    }
  }
}
