import type { Credentials } from './credentials.ts'

/** Where the service is and who asks. */
export interface ServerConfig extends Credentials {
  /** Absent: the region's public endpoint. */
  readonly endpoint?: string
  readonly region: string
  readonly addressing?: 'virtual' | 'path' | 'cname'
  readonly signature?: 'v4' | 'v1'
}
