export type { AccessCredentials, CredentialsProvider } from '@oss-cse/crypto-core'
export type { Refresher } from '@oss-cse/crypto-core/internal'
export type {
  OssClientOptions,
  OssConnectionOptions,
  OssTimeoutOptions,
  OssTransportOptions,
} from './ali-oss/client-options.ts'
export { ClientTokenRefresher } from './ali-oss/client-token-refresher.ts'
export type { OssClient } from './ali-oss/oss-client.ts'
export type { CorsConfiguration, CorsRule } from './calls/bucket-cors.ts'
export type { CreateBucketOptions } from './calls/create-bucket.ts'
export { OssTransport } from './oss-transport.ts'
