import { type ContentKey, Keyring, type MasterKeyProvider } from '@oss-cse/crypto-core'
import { createTestProvider } from '@oss-cse/crypto-core/testing'

/** A keyring that records the content keys it returned: the arrays themselves, and copies of them. */
export class WatchedKeyring extends Keyring {
  /** The arrays that the library holds. */
  readonly handedOut: ContentKey[] = []
  /** Their original content. */
  readonly copies: ContentKey[] = []
  /** The number of unwraps. */
  unwrapped = 0

  constructor(provider: MasterKeyProvider = createTestProvider()) {
    super({ encrypting: provider })
  }

  override async generate(...parameters: Parameters<Keyring['generate']>): ReturnType<Keyring['generate']> {
    const generated = await super.generate(...parameters)
    this.#watch(generated.contentKey)
    return generated
  }

  override async unwrap(...parameters: Parameters<Keyring['unwrap']>): Promise<ContentKey> {
    this.unwrapped += 1
    const contentKey = await super.unwrap(...parameters)
    this.#watch(contentKey)
    return contentKey
  }

  /** Whether everything that was returned is zero now. */
  get wiped(): boolean {
    return this.handedOut.every(({ cek, iv }) => [...cek, ...iv].every((byte) => byte === 0))
  }

  #watch(contentKey: ContentKey): void {
    this.handedOut.push(contentKey)
    this.copies.push({ cek: Uint8Array.from(contentKey.cek), iv: Uint8Array.from(contentKey.iv) })
  }
}

/** Every usual text form of a key. */
export function spellings({ cek, iv }: ContentKey): string[] {
  return [cek, iv].flatMap((bytes) => {
    const binary = String.fromCharCode(...bytes)
    const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
    const base64 = btoa(binary).replace(/=+$/, '')
    const base64url = base64.replaceAll('+', '-').replaceAll('/', '_')
    return [
      hex,
      hex.toUpperCase(),
      base64,
      base64url,
      [...bytes].join(','),
      JSON.stringify(binary).slice(1, -1),
    ]
  })
}
