import { type AccessCredentials, type CallOptions, TransportError } from '@oss-cse/crypto-core'
import { SharedCalls } from '@oss-cse/crypto-core/internal'
import type { AliOssClient } from './ali-oss-client.ts'
import type { Refresher } from './credential-refresher.ts'
import type { OssClient } from './oss-client.ts'

/**
 * What one client's options have to do with tokens, whatever view of the client is used. A property of the options, which are
 * the same in all views; not enumerable, so that who copies them does not take it along.
 */
const STATE = Symbol('oss-cse.sts-token')

interface TokenState {
  /** The token that the service refused last. */
  refused?: string | undefined
}

const refreshes = new SharedCalls<TokenState, Readonly<Record<string, unknown>>>()

function stateOf(options: AliOssClient['options']): TokenState {
  const holder = options as { [STATE]?: TokenState }
  if (holder[STATE] === undefined) Object.defineProperty(options, STATE, { value: {} })
  return holder[STATE] ?? {}
}

/**
 * Keeps the temporary credentials of an ali-oss client young, by its own `refreshSTSToken`. In place of ali-oss 6.23
 * lib/common/utils/setSTSToken.js, which lets the requests that come while it asks go out with the old token, and asks no
 * earlier when the service refuses one.
 */
export class ClientTokenRefresher implements Refresher {
  readonly #client: AliOssClient
  readonly #timeoutMs: number

  /**
   * @param client - made by `new OSS(…)`; what its `refreshSTSToken` gives is written into its options, as ali-oss does
   * @param timeoutMs - after how many milliseconds a `refreshSTSToken` that gives nothing is given up
   */
  constructor(client: OssClient, timeoutMs: number) {
    this.#client = client as AliOssClient
    this.#timeoutMs = timeoutMs
  }

  /**
   * The client's credentials, renewed when they are due: once for all requests that ask meanwhile.
   *
   * @returns `undefined` for a client that cannot renew them
   * @throws what `refreshSTSToken` throws; an Error when it returns no whole set of credentials; TransportError
   * `ERR_CSE_TIMEOUT`; the signal's reason
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
      // An answer that was long in coming does not replace a newer one.
      if (askedAt >= (this.#client.stsTokenFreshTime ?? 0)) {
        Object.assign(options, given)
        this.#client.stsTokenFreshTime = askedAt
      }
    }
    const { accessKeyId, accessKeySecret, stsToken: securityToken } = options
    return { accessKeyId, accessKeySecret, securityToken }
  }

  /** The service refused these credentials: unless there are newer ones by now, the next request asks for some. */
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

/** What `refreshSTSToken` gives, under the names of a client's options. It may begin them with a capital, as the STS API does. */
async function newCredentials(options: AliOssClient['options']): Promise<Readonly<Record<string, unknown>>> {
  // As a method of the options, which it may look at.
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
