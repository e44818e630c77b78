export { generateWebAesKey, importWebAesKey } from './aes-keys.ts'
export { createWebAesProvider } from './aes-provider.ts'
export {
  IndexedDbKeyStore,
  type IndexedDbKeyStoreOptions,
  type StoredWebKey,
} from './indexed-db-key-store.ts'
export type { Argon2idDerivation, KeyDerivation, Pbkdf2Derivation } from './key-derivation.ts'
export { addPasskey, keyFromPasskey, type PasskeyOptions, type PasskeyWrappedKey } from './passkey-key.ts'
export {
  changePassphrase,
  createPassphraseKey,
  keyFromPassphrase,
  type NewPassphraseKey,
  type PassphraseKeyOptions,
  type PassphraseWrappedKey,
} from './passphrase-key.ts'
export {
  generateWebRsaKeyPair,
  importWebRsaKeyPair,
  type WebRsaKeyPairOptions,
  type WebRsaKeySource,
} from './rsa-keys.ts'
export { createWebRsaProvider } from './rsa-provider.ts'
export { createWebRsaPublicProvider, type WebRsaPublicOptions } from './rsa-public-provider.ts'
export type { WebKeyOptions } from './web-key-options.ts'
