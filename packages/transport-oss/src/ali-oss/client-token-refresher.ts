import { type AccessCredentials, type CallOptions, TransportError } from '@oss-cse/crypto-core'
import { type Refresher, SharedCalls } from '@oss-cse/crypto-core/internal'
import type { AliOssClient, AliOssOptions } from './ali-oss-client.ts'
import type { OssClient } from './oss-client.ts'

/**
 * The key of the token state in the options of a client. All views of a client share its options, so they share the
 * state. The property is not enumerable, so a copy of the options does not include it.
 */
const STATE = Symbol('oss-cse.sts-token')

interface TokenState {
  /** The token that the service refused last. */
  refused?: string | undefined
}

const refreshes = new SharedCalls<TokenState, Readonly<Record<string, unknown>>>()

function stateOf(options: AliOssOptions): TokenState {
  const holder = options as { [STATE]?: TokenState }
  if (holder[STATE] === undefined) Object.defineProperty(options, STATE, { value: {} })
  return holder[STATE] ?? {}
}

/**
 * Refreshes the temporary credentials of an ali-oss client with its own `refreshSTSToken`.
 *
 * It replaces ali-oss 6.23 lib/common/utils/setSTSToken.js. That function lets concurrent requests use the old token
 * while it waits for a new one, and it does not refresh earlier when the service refuses a token.
 */
export class ClientTokenRefresher implements Refresher {
  readonly #client: AliOssClient
  readonly #timeoutMs: number

  /**
   * @param client - the result of `new OSS(…)`. Its options receive the credentials that `refreshSTSToken` returns,
   *   as in ali-oss.
   * @param timeoutMs - how long to wait for `refreshSTSToken`, in milliseconds
   */
  constructor(client: OssClient, timeoutMs: number) {
    this.#client = client as AliOssClient
    this.#timeoutMs = timeoutMs
  }

  /**
   * Returns the client's credentials, and refreshes them first if they are due. Concurrent calls share one refresh.
   *
   * @returns `undefined` for a client that cannot refresh its credentials
   * @throws the error of `refreshSTSToken`; an Error when it returns incomplete credentials; TransportError
   *   `ERR_CSE_TIMEOUT`; the signal's reason
   */
  async fresh({ signal }: CallOptions = {}): Promise<AccessCredentials | undefined> {
    const { options } = this.#client
    if (!this.#canRenew) return undefined
    const state = stateOf(options)
    if (refreshes.isPending(state) || this.#isDue(state)) {
      const timeoutMs = this.#timeoutMs
      const late = (): TransportError => {
        const message = `No request was sent: \`refreshSTSToken\` returned nothing for ${timeoutMs} ms.`
        return new TransportError('ERR_CSE_TIMEOUT', message, { retryable: true })
      }
      const askedAt = new Date()
      const given = await refreshes.run(state, () => newCredentials(options), { timeoutMs, signal, late })
      // A late result does not replace a newer one.
      if (askedAt >= (this.#client.stsTokenFreshTime ?? 0)) {
        Object.assign(options, given)
        this.#client.stsTokenFreshTime = askedAt
      }
    }
    const { accessKeyId, accessKeySecret, stsToken: securityToken } = options
    return { accessKeyId, accessKeySecret, securityToken }
  }

  /**
   * Reports that the service refused these credentials. The next request refreshes them, unless they are replaced by
   * then.
   */
  expire({ securityToken }: AccessCredentials): void {
    if (this.#canRenew) stateOf(this.#client.options).refused = securityToken
  }

  get #canRenew(): boolean {
    const { stsToken, refreshSTSToken } = this.#client.options
    return Boolean(stsToken) && typeof refreshSTSToken === 'function'
  }

  #isDue({ refused }: TokenState): boolean {
    const { stsToken, refreshSTSTokenInterval = 0 } = this.#client.options
    const { stsTokenFreshTime } = this.#client
    if (refused !== undefined && refused === stsToken) return true
    if (!stsTokenFreshTime) {
      this.#client.stsTokenFreshTime = new Date()
      return false
    }
    return Date.now() - Number(stsTokenFreshTime) >= refreshSTSTokenInterval
  }
}

/**
 * Returns the credentials of `refreshSTSToken` under the names of a client's options. Its names may start with a
 * capital letter, as in the STS API.
 */
async function newCredentials(options: AliOssOptions): Promise<Readonly<Record<string, unknown>>> {
  // Called as a method, because it may read the options.
  const given = Object.entries((await options.refreshSTSToken?.()) ?? {}).map(([name, value]) => [
    name.charAt(0).toLowerCase() + name.slice(1),
    value,
  ])
  const credentials: Record<string, unknown> = Object.fromEntries(given)
  if (credentials['securityToken']) credentials['stsToken'] = credentials['securityToken']
  const missing = ['accessKeyId', 'accessKeySecret', 'stsToken'].filter((field) => !credentials[field])
  if (missing.length > 0) throw new Error(`refreshSTSToken returned no ${missing.join(' and no ')}.`)
  return credentials
}
