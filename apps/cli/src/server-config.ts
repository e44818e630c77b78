/** Where the service is and who asks. */
export interface ServerConfig {
  /** Absent: the region's public endpoint. */
  readonly endpoint?: string
  readonly region: string
  readonly accessKeyId: string
  readonly accessKeySecret: string
  readonly securityToken?: string
  readonly addressing?: 'virtual' | 'path' | 'cname'
  readonly signature?: 'v4' | 'v1'
}
