import {
  type ContentKey,
  type Envelope,
  encodeEnvelope,
  type GeneratedContentKey,
  Keyring,
  type MasterKeyCallOptions,
  type MasterKeyProvider,
} from '@oss-cse/crypto-core'
import { MemoryTransport } from '@oss-cse/crypto-core/testing'
import { vi } from 'vitest'
import { RemoteProvider, type RemoteProviderOptions } from '../../src/remote-provider.ts'
import { createKeyServer, type KeyServer, type KeyServerOptions } from '../../src/server.ts'

/** Stores each envelope that it is to unwrap as an object, and names that: the contract of providers knows no objects. */
export class StoredProvider extends RemoteProvider {
  readonly #site: KeySite

  constructor(site: KeySite, options: RemoteProviderOptions) {
    super(options)
    this.#site = site
  }

  override generateContentKey(
    iv: Uint8Array,
    options: MasterKeyCallOptions = {},
  ): Promise<GeneratedContentKey> {
    return super.generateContentKey(iv, { object: { key: 'new' }, ...options })
  }

  override async unwrap(envelope: Envelope, options: MasterKeyCallOptions = {}): Promise<ContentKey> {
    const key = options.object === undefined ? await this.#site.store(envelope) : ''
    return super.unwrap(envelope, { object: { key }, ...options })
  }
}

/** The contract also damages values to what no writer would store, and no encoder takes. So they are put in afterwards. */
export function headersOf(envelope: Envelope): Record<string, string> {
  const wrappedIv = envelope.version === 1 ? envelope.wrappedStart : envelope.wrappedIv
  const standIns = {
    wrappedCek: 'CEK',
    ...(envelope.version === 1 ? { wrappedStart: 'IV' } : { wrappedIv: 'IV' }),
  }
  const values = new Map([
    ['CEK', envelope.wrappedCek],
    ['IV', wrappedIv],
  ])
  const headers = encodeEnvelope({ ...envelope, ...standIns } as Envelope)
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, values.get(value) ?? value]),
  )
}

const sites = new Map<string, KeySite>()

/** Has `fetch` go to the key servers of this page. All that is replaced is the network. */
export function connectSites(): void {
  vi.stubGlobal('fetch', async (url: URL | string, init: RequestInit) => {
    const site = sites.get(String(url))
    if (site === undefined) throw new TypeError('Failed to fetch')
    const request = new Request(url, init)
    site.calls.push(request)
    return site.respond(request)
  })
}

/** A bucket in memory, and a key server for it. */
export class KeySite {
  readonly transport: MemoryTransport = new MemoryTransport()
  readonly keyring: Keyring
  readonly url: string = `https://keys.example/${sites.size}`
  readonly calls: Request[] = []
  /** What responds to `fetch`. Tests may replace it. */
  respond: KeyServer
  #stored = 0

  constructor(encrypting: MasterKeyProvider, options: Partial<KeyServerOptions> = {}) {
    this.keyring = options.keyring ?? new Keyring({ encrypting })
    this.respond = this.serverWith(options)
    sites.set(this.url, this)
  }

  /** A key server for the bucket of this site, with other options. */
  serverWith(options: Partial<KeyServerOptions>): KeyServer {
    return createKeyServer({
      keyring: this.keyring,
      transport: this.transport,
      authorize: () => 'somebody',
      rateLimit: { perSecond: 1e6, burst: 1e6 },
      responseStepMs: 0,
      ...options,
    })
  }

  /** Stores an envelope with no content, and returns the key of the object. */
  async store(envelope: Envelope, key: string = `stored/${this.#stored++}`): Promise<string> {
    await this.transport.plant(key, new Uint8Array(), headersOf(envelope))
    return key
  }

  /** What a page has: the server's encrypting key, by its name. */
  provider(options: Partial<RemoteProviderOptions> = {}): StoredProvider {
    const { wrapAlgorithm, materialDescription, keyIdentity } = this.keyring.encrypting
    const named = options.publicKey === undefined ? { wrapAlgorithm, keyIdentity } : {}
    return new StoredProvider(this, { url: this.url, materialDescription, ...named, ...options })
  }
}
