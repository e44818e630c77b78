export type {
  AccessCredentials,
  CredentialsProvider,
  RetryOptions,
  UnwrapCacheOptions,
} from '@oss-cse/crypto-core'
export {
  AlicloudKms,
  type AlicloudKmsClientOptions,
  type AlicloudKmsConnectionOptions,
  type AlicloudKmsOptions,
} from './alicloud-kms.ts'
export type { AlicloudSdkClient } from './alicloud-sdk.ts'
export type {
  EncryptionContext,
  KmsClient,
  KmsDecryptRequest,
  KmsDecryptResponse,
  KmsEncryptRequest,
  KmsEncryptResponse,
  KmsGenerateDataKeyRequest,
  KmsGenerateDataKeyResponse,
  KmsKeyRequest,
} from './kms-client.ts'
export { KmsProvider, type KmsProviderOptions } from './kms-provider.ts'
export type { KmsEncoding } from './wrapped-text.ts'
