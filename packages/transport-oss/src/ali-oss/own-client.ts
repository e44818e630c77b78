import { arch, platform, versions } from 'node:process'
import { MAX_TIMER_MS } from '@oss-cse/crypto-core/internal'
import type OSS from 'ali-oss'
import { newAgents } from '../http/agents.ts'
import type { AliOssClient, AliOssEndpoint, AliOssState } from './ali-oss-client.ts'
import { loadAliOss } from './load-ali-oss.ts'

/** ali-oss sends a name only if it contains `nodejs`. This one does not claim to be ali-oss, which may not be loaded. */
const USER_AGENT = `oss-cse (nodejs ${versions.node}; ${platform} ${arch})`

/** What the transport's own client is made from, checked. */
export interface OwnClientOptions {
  readonly bucket: string
  /** Without `oss-`. */
  readonly region: string
  /** Undefined for the public endpoint of the region. */
  readonly endpoint: URL | undefined
  readonly secure: boolean
  readonly authorizationV4: boolean
  readonly sldEnable: boolean
  readonly cname: boolean
  readonly accessKeyId: string
  readonly accessKeySecret: string
  readonly stsToken: string | undefined
}

/**
 * The ali-oss client of a transport that was made from options. `state` is there at once. ali-oss is loaded, and the
 * client made, at the first call of `client`.
 */
export class OwnClient {
  readonly state: AliOssState
  readonly #options: OSS.Options
  #client: Promise<AliOssClient> | undefined

  constructor({ bucket, region, endpoint, secure, stsToken, ...others }: OwnClientOptions) {
    const agents = newAgents(secure)
    const options = {
      ...others,
      bucket,
      region: `oss-${region}`,
      secure,
      // With any interval, ali-oss 6.23 lib/common/client/initOptions.js prints no advice on the console.
      ...(stsToken !== undefined && { stsToken, refreshSTSTokenInterval: MAX_TIMER_MS }),
    }
    this.#options = {
      ...options,
      ...agents,
      ...(endpoint !== undefined && { endpoint: endpoint.origin }),
    } as OSS.Options
    this.state = {
      options: { ...options, endpoint: endpointOf(endpoint, options.region, secure) },
      ...agents,
      userAgent: USER_AGENT,
    }
  }

  client(): Promise<AliOssClient> {
    this.#client ??= this.#make()
    return this.#client
  }

  async #make(): Promise<AliOssClient> {
    const AliOss = await loadAliOss()
    return Object.assign(new AliOss(this.#options) as unknown as AliOssClient, { userAgent: USER_AGENT })
  }
}

/** The endpoint as ali-oss parses it. */
function endpointOf(endpoint: URL | undefined, region: string, secure: boolean): AliOssEndpoint {
  if (endpoint !== undefined) {
    const { protocol, host, hostname } = endpoint
    return { protocol, host, hostname }
  }
  const host = `${region}.aliyuncs.com`
  return { protocol: secure ? 'https:' : 'http:', host, hostname: host }
}
