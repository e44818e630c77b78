export { generateRsaKeyPair, type RsaKeyPair, type RsaKeyPairOptions } from './generate-key-pair.ts'
export {
  generateLocalRsaKeyFiles,
  type LocalRsaKeyFiles,
  type LocalRsaKeyFilesOptions,
} from './generate-local-key-files.ts'
export { LocalRsaProvider, type LocalRsaProviderOptions } from './local-rsa-provider.ts'
export { RsaProvider, type RsaProviderOptions } from './rsa-provider.ts'
