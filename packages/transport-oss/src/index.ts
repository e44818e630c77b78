export type { AccessCredentials, CredentialsProvider } from '@oss-cse/crypto-core'
export type {
  OssClientOptions,
  OssConnectionOptions,
  OssTimeoutOptions,
  OssTransportOptions,
} from './client-options.ts'
export { ClientTokenRefresher } from './client-token-refresher.ts'
export type { Refresher } from './credential-refresher.ts'
export type { OssClient } from './oss-client.ts'
export { type CreateBucketOptions, OssTransport } from './oss-transport.ts'
