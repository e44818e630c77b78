import type { CredentialsProvider } from '@oss-cse/crypto-core'

/** An access key, or a provider that returns one. */
export interface Credentials {
  readonly accessKeyId?: string
  readonly accessKeySecret?: string
  readonly securityToken?: string
  /** Replaces the other fields. */
  readonly credentials?: CredentialsProvider
}

/** Where the service is, and the credentials for it. */
export interface ServerConfig extends Credentials {
  /** Default: the region's public endpoint. */
  readonly endpoint?: string
  readonly region: string
  readonly addressing?: 'virtual' | 'path' | 'cname'
  readonly signature?: 'v4' | 'v1'
}
