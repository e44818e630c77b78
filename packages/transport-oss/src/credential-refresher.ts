import { type AccessCredentials, type CredentialsProvider, TransportError } from '@oss-cse/crypto-core'

const FRESH_MS = 60_000

/**
 * Keeps the credentials of a transport young. In place of ali-oss's own `refreshSTSToken`, which is only asked when
 * there was a token to begin with, and lets the requests that come while it is being asked go out with the old one
 * (ali-oss 6.23 lib/common/utils/setSTSToken.js).
 */
export class CredentialRefresher {
  readonly #provider: CredentialsProvider
  readonly #timeoutMs: number
  #current: AccessCredentials | undefined
  #askedAt = 0
  #pending: Promise<AccessCredentials> | undefined
  /** The first failure since the provider last answered. */
  #failure: { readonly error: unknown } | undefined

  constructor(provider: CredentialsProvider, timeoutMs: number) {
    this.#provider = provider
    this.#timeoutMs = timeoutMs
  }

  /**
   * Credentials that are less than a minute old. Rejects with what the provider threw, at the first of several
   * failures in a row.
   *
   * @throws TransportError `ERR_CSE_ACCESS_DENIED` when the provider gave none; `ERR_CSE_TIMEOUT`
   */
  async fresh(): Promise<AccessCredentials> {
    const age = Date.now() - this.#askedAt
    if (this.#current !== undefined && age >= 0 && age < FRESH_MS) return this.#current
    this.#pending ??= this.#askInTime().finally(() => {
      this.#pending = undefined
    })
    return this.#pending
  }

  /** The service turned credentials down: unless there are newer ones, ask for some before the next request. */
  expire(refused: AccessCredentials): void {
    if (refused === this.#current) this.#current = undefined
  }

  /**
   * One provider that never answers must not hold up every request there will ever be. What comes too late is not
   * used: newer credentials may have come since.
   */
  async #askInTime(): Promise<AccessCredentials> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const message = `No request was sent: \`credentials\` gave nothing for ${this.#timeoutMs} ms (idleTimeoutMs).`
        reject(new TransportError('ERR_CSE_TIMEOUT', message, { retryable: true }))
      }, this.#timeoutMs)
    })
    const given = await Promise.race([this.#ask(), late]).finally(() => clearTimeout(timer))
    this.#current = given
    this.#askedAt = Date.now()
    return given
  }

  async #ask(): Promise<AccessCredentials> {
    const given = await this.#answer()
    const accessKeyId = textOf(given?.accessKeyId)
    const accessKeySecret = textOf(given?.accessKeySecret)
    const securityToken = textOf(given?.securityToken)
    if (accessKeyId === undefined || accessKeySecret === undefined) {
      const missing = [
        accessKeyId === undefined && 'accessKeyId',
        accessKeySecret === undefined && 'accessKeySecret',
      ]
      throw new TransportError(
        'ERR_CSE_ACCESS_DENIED',
        `No request was sent: \`credentials\` gave no ${missing.filter(Boolean).join(' and no ')}. Its getCredential() must resolve to { accessKeyId, accessKeySecret, securityToken? }.`,
        { retryable: false },
      )
    }
    return { accessKeyId, accessKeySecret, ...(securityToken !== undefined && { securityToken }) }
  }

  /**
   * A default chain of @alicloud/credentials 2.4 says only once what it looked for: after that it asks the last place
   * of the chain alone, at an address that is not set (dist/src/providers/default.js, uri.js). A caller who repeats
   * the request would be told of that address, and not of what is missing.
   */
  async #answer(): ReturnType<CredentialsProvider['getCredential']> {
    try {
      const given = await this.#provider.getCredential()
      this.#failure = undefined
      return given
    } catch (error) {
      this.#failure ??= { error }
      throw this.#failure.error
    }
  }
}

/** Without the white space around it, as ali-oss takes it: an environment variable often ends with a line break. */
function textOf(value: unknown): string | undefined {
  const text = typeof value === 'string' ? value.trim() : ''
  return text === '' ? undefined : text
}
