export type { AccessCredentials, CredentialsProvider } from '@oss-cse/crypto-core'
export type {
  OssClientOptions,
  OssConnectionOptions,
  OssTimeoutOptions,
  OssTransportOptions,
} from './client-options.ts'
export type { OssClient } from './oss-client.ts'
export { type CreateBucketOptions, OssTransport } from './oss-transport.ts'
