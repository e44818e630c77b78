import { type AccessCredentials, type CallOptions, SharedCalls, TransportError } from '@oss-cse/crypto-core'
import type { AliOssClient, RefreshStsToken } from './ali-oss-client.ts'
import type { Refresher } from './credential-refresher.ts'
import type { OssClient } from './oss-client.ts'

const refreshes = new SharedCalls<RefreshStsToken, Readonly<Record<string, unknown>>>()
/** The token that the service refused last, by who gave it. */
const refused = new WeakMap<RefreshStsToken, string>()

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
   * The client's credentials, renewed when they are due: once for all clients and requests that ask the same
   * `refreshSTSToken` meanwhile.
   *
   * @returns `undefined` for a client that cannot renew them
   * @throws what `refreshSTSToken` throws; an Error when it gives no whole set of credentials; TransportError
   * `ERR_CSE_TIMEOUT`; the signal's reason
   */
  async fresh({ signal }: CallOptions = {}): Promise<AccessCredentials | undefined> {
    const { options } = this.#client
    const refresh = this.#refresh
    if (refresh === undefined) return undefined
    if (refreshes.isPending(refresh) || this.#isDue(refresh)) {
      const timeoutMs = this.#timeoutMs
      const late = (): TransportError => {
        const message = `No request was sent: \`refreshSTSToken\` gave nothing for ${timeoutMs} ms.`
        return new TransportError('ERR_CSE_TIMEOUT', message, { retryable: true })
      }
      const askedAt = new Date()
      const given = await refreshes.run(refresh, () => newCredentials(refresh), { timeoutMs, signal, late })
      Object.assign(options, given)
      this.#client.stsTokenFreshTime = askedAt
    }
    const { accessKeyId, accessKeySecret, stsToken: securityToken } = options
    return { accessKeyId, accessKeySecret, securityToken }
  }

  /** The service refused these credentials: unless there are newer ones by now, the next request asks for some. */
  expire({ securityToken = '' }: AccessCredentials): void {
    if (this.#refresh !== undefined) refused.set(this.#refresh, securityToken)
  }

  get #refresh(): RefreshStsToken | undefined {
    const { stsToken, refreshSTSToken } = this.#client.options
    return stsToken && typeof refreshSTSToken === 'function' ? refreshSTSToken : undefined
  }

  #isDue(refresh: RefreshStsToken): boolean {
    const { stsToken, refreshSTSTokenInterval = 0 } = this.#client.options
    const { stsTokenFreshTime } = this.#client
    if (refused.get(refresh) === stsToken) return true
    if (!stsTokenFreshTime) {
      this.#client.stsTokenFreshTime = new Date()
      return false
    }
    return Date.now() - Number(stsTokenFreshTime) >= refreshSTSTokenInterval
  }
}

/** What `refreshSTSToken` gives, under the names of a client's options. It may begin them with a capital, as the STS API does. */
async function newCredentials(refresh: RefreshStsToken): Promise<Readonly<Record<string, unknown>>> {
  const given = Object.entries((await refresh()) ?? {}).map(([name, value]) => [
    name.charAt(0).toLowerCase() + name.slice(1),
    value,
  ])
  const credentials: Record<string, unknown> = Object.fromEntries(given)
  if (credentials['securityToken']) credentials['stsToken'] = credentials['securityToken']
  const missing = ['accessKeyId', 'accessKeySecret', 'stsToken'].filter((name) => !credentials[name])
  if (missing.length > 0) throw new Error(`refreshSTSToken gave no ${missing.join(' and no ')}.`)
  return credentials
}
