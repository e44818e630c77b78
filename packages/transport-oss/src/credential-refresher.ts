import { CseError, TransportError } from '@oss-cse/crypto-core'
import type { AliOssClient } from './ali-oss-client.ts'

const FRESH_MS = 60_000

/** What signs a request. */
export interface OssCredentials {
  readonly accessKeyId: string
  readonly accessKeySecret: string
  readonly securityToken?: string
}

/**
 * Keeps a client's credentials young. In place of ali-oss's own `refreshSTSToken`, which is only asked when there
 * was a token to begin with, and lets the requests that come while it is being asked go out with the old one
 * (ali-oss 6.23 lib/common/utils/setSTSToken.js).
 */
export class CredentialRefresher {
  readonly #client: AliOssClient
  readonly #refresh: () => Promise<OssCredentials>
  readonly #timeoutMs: number
  #refreshed = Date.now()
  #pending: Promise<void> | undefined
  /** Counts the renewals: what an outdated one brings is not used. */
  #generation = 0

  constructor(client: AliOssClient, refresh: () => Promise<OssCredentials>, timeoutMs: number) {
    this.#client = client
    this.#refresh = refresh
    this.#timeoutMs = timeoutMs
  }

  /**
   * Waits until the client's credentials are less than a minute old. Rejects with what the refresh threw.
   *
   * @returns which credentials these are, for `expire`
   */
  async ensureFresh(): Promise<number> {
    const age = Date.now() - this.#refreshed
    if (age < 0 || age >= FRESH_MS) {
      this.#pending ??= this.#renewInTime().finally(() => {
        this.#pending = undefined
      })
      await this.#pending
    }
    return this.#generation
  }

  /** The service turned credentials down: unless there are newer ones, ask for some before the next request. */
  expire(generation: number): void {
    if (generation === this.#generation) this.#refreshed = Number.NEGATIVE_INFINITY
  }

  /** One refresh that never ends must not hold up every request there will ever be. */
  async #renewInTime(): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        this.#generation += 1
        const message = `refreshCredentials gave nothing for ${this.#timeoutMs} ms (idleTimeoutMs).`
        reject(new TransportError('ERR_CSE_TIMEOUT', message, { retryable: true }))
      }, this.#timeoutMs)
    })
    await Promise.race([this.#renew(), late]).finally(() => clearTimeout(timer))
  }

  async #renew(): Promise<void> {
    this.#generation += 1
    const generation = this.#generation
    const { accessKeyId, accessKeySecret, securityToken } = await this.#refresh()
    if (!accessKeyId || !accessKeySecret) {
      throw new CseError(
        'ERR_CSE_INVALID_ARGUMENT',
        'refreshCredentials must resolve to { accessKeyId, accessKeySecret, securityToken? }.',
      )
    }
    if (generation !== this.#generation) return
    Object.assign(this.#client.options, { accessKeyId, accessKeySecret, stsToken: securityToken })
    this.#refreshed = Date.now()
  }
}
