import type { CredentialsProvider } from '@oss-cse/crypto-core'

/** Who asks: an access key, or who gives one. */
export interface Credentials {
  readonly accessKeyId?: string
  readonly accessKeySecret?: string
  readonly securityToken?: string
  /** In place of the others. */
  readonly credentials?: CredentialsProvider
}

/** Where the service is and who asks. */
export interface ServerConfig extends Credentials {
  /** Absent: the region's public endpoint. */
  readonly endpoint?: string
  readonly region: string
  readonly addressing?: 'virtual' | 'path' | 'cname'
  readonly signature?: 'v4' | 'v1'
}
