import { Keyring } from '@oss-cse/crypto-core'
import { missingKeys } from './key-options.ts'

/** A keyring for commands that do not decrypt. It matches no object. */
export function keylessKeyring(): Keyring {
  const refuse = (): Promise<never> => Promise.reject(missingKeys())
  return new Keyring({
    encrypting: {
      wrapAlgorithm: 'none',
      materialDescription: {},
      canUnwrap: false,
      generateContentKey: refuse,
      unwrap: refuse,
    },
  })
}
