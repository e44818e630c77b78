/** Options of `startKmsEmulator`. */
export interface KmsEmulatorOptions {
  /** The address to listen on. Default `127.0.0.1`. */
  readonly host?: string
  /** The port; 0, the default, takes a free one. */
  readonly port?: number
  /** Default `cn-hangzhou`. */
  readonly region?: string
  /** Random when absent. */
  readonly accessKeyId?: string
  /** Random when absent. */
  readonly accessKeySecret?: string
  /** Makes the access key a temporary one: every request must then carry this token. */
  readonly securityToken?: string
  /** Where keys are kept, and with `tls` the certificate. They live as long as the emulator when absent. */
  readonly dataDirectory?: string
  /**
   * HTTPS, with a certificate for `localhost` and `127.0.0.1` and a CA made for it. With `dataDirectory` they are kept
   * there: clients that trust the CA trust the emulator after a restart, too.
   */
  readonly tls?: boolean
  /** How long every answer waits, in milliseconds. Default 0. */
  readonly latencyMs?: number
  /** The server's clock. */
  readonly clock?: () => Date
  /** How many requests `requests` holds; the oldest are dropped first. Default 10,000. */
  readonly maxRecordedRequests?: number
  /** A file that gets one line of JSON for each request. Nothing secret is in it. */
  readonly accessLog?: string
}
