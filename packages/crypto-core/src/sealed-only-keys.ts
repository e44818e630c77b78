import { CseError } from './errors.ts'
import type { MasterKeyProvider } from './ports.ts'

/**
 * Checks that no key of a keyring can read unsealed objects under a key that reads only sealed ones. Two providers may hold the
 * same key, and a key service decrypts under whatever key a wrapped text names: so each provider must say which key it holds.
 *
 * @param sealedOnly - those of `providers` that read only sealed objects
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT`
 */
export function checkKeyIdentities(
  providers: readonly MasterKeyProvider[],
  sealedOnly: ReadonlySet<MasterKeyProvider>,
): void {
  if (sealedOnly.size === 0) return
  for (const provider of providers) {
    if (typeof provider.keyIdentity === 'string' && provider.keyIdentity !== '') continue
    throw invalid(
      `In a keyring with a sealed-only key, each master key must have a keyIdentity, and the provider of ${provider.wrapAlgorithm} has none. A KMS key needs its id in place of an alias, and a client that names the key in each response; a provider of your own must state it.`,
    )
  }
  const identities = new Set([...sealedOnly].map(({ keyIdentity }) => keyIdentity))
  const other = providers.find(
    (provider) => !sealedOnly.has(provider) && identities.has(provider.keyIdentity),
  )
  if (other === undefined) return
  throw invalid(
    `A master key is sealed-only in one provider, and not in another one (${other.wrapAlgorithm}), which would read unsealed objects under the same key. List both in sealedOnly.`,
  )
}

function invalid(message: string): CseError {
  return new CseError('ERR_CSE_INVALID_ARGUMENT', message)
}
