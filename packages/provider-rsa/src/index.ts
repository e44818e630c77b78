export { generateRsaKeyPair, type RsaKeyPair, type RsaKeyPairOptions } from './generate-key-pair.ts'
export { RsaProvider, type RsaProviderOptions } from './rsa-provider.ts'
