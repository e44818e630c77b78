import type { ContentKey, Envelope, GeneratedContentKey, MasterKeyCallOptions } from '@oss-cse/crypto-core'
import { RemoteProvider, type RemoteProviderOptions } from '@oss-cse/provider-remote'

/** Stores the envelopes that it is to unwrap as objects, because the contract of providers knows no objects. */
export class StoredProvider extends RemoteProvider {
  readonly #store: (envelope: Envelope) => Promise<string>

  constructor(options: RemoteProviderOptions, store: (envelope: Envelope) => Promise<string>) {
    super(options)
    this.#store = store
  }

  override generateContentKey(
    iv: Uint8Array,
    options: MasterKeyCallOptions = {},
  ): Promise<GeneratedContentKey> {
    return super.generateContentKey(iv, { object: { key: 'new' }, ...options })
  }

  override async unwrap(envelope: Envelope, options: MasterKeyCallOptions = {}): Promise<ContentKey> {
    const object = options.object ?? { key: await this.#store(envelope) }
    return super.unwrap(envelope, { ...options, object })
  }
}
