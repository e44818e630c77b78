import { aeskw } from '@noble/ciphers/aes.js'
import type { MaterialDescription } from '../material-description.ts'
import type { MasterKeyProvider } from '../ports.ts'
import { createWrappingProvider } from '../wrapping-provider.ts'

/** Options of a test provider. */
export interface TestProviderOptions {
  /** The byte that fills the key. Two providers with the same seed read each other's objects. Default 1. */
  readonly seed?: number | undefined
  /** Default `TEST/AES-KW`. */
  readonly wrapAlgorithm?: string | undefined
  readonly materialDescription?: MaterialDescription | undefined
  /** True for a provider that only encrypts. Default false. */
  readonly encryptOnly?: boolean | undefined
}

/**
 * Makes a provider for tests. It uses AES key wrap under a key that anyone can guess. Like a real one, it detects a wrong key.
 *
 * @example
 * ```ts
 * const keyring = new Keyring({ encrypting: createTestProvider() })
 * ```
 */
export function createTestProvider(options: TestProviderOptions = {}): MasterKeyProvider {
  const { seed = 1, wrapAlgorithm = 'TEST/AES-KW', materialDescription = {}, encryptOnly = false } = options
  const key = new Uint8Array(32).fill(seed)
  return createWrappingProvider({
    wrapAlgorithm,
    materialDescription,
    keyIdentity: `test:${seed}`,
    wrap: (bytes) => aeskw(key).encrypt(bytes),
    ...(!encryptOnly && { unwrap: (wrapped: Uint8Array) => aeskw(key).decrypt(wrapped) }),
  })
}
