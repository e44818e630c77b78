/** Options of `startKmsEmulator`. */
export interface KmsEmulatorOptions {
  /** The address to listen on. Default `127.0.0.1`. */
  readonly host?: string
  /** The port. Default 0, which takes a free one. */
  readonly port?: number
  /** Default `cn-hangzhou`. */
  readonly region?: string
  /** Random when absent. */
  readonly accessKeyId?: string
  /** Random when absent. */
  readonly accessKeySecret?: string
  /** Makes the access key temporary. Every request must then contain this token. */
  readonly securityToken?: string
  /** The directory for keys and, with `tls`, the certificate. Without it, they live as long as the emulator. */
  readonly dataDirectory?: string
  /**
   * Uses HTTPS, with a certificate for `localhost` and `127.0.0.1` and its own CA. With `dataDirectory` they are
   * stored there, so clients that trust the CA also trust the emulator after a restart.
   */
  readonly tls?: boolean
  /** The delay of every response in milliseconds. Default 0. */
  readonly latencyMs?: number
  /** The server's clock. */
  readonly clock?: () => Date
  /** The maximum length of `requests`. The oldest are dropped first. Default 10,000. */
  readonly maxRecordedRequests?: number
  /** A file that receives one line of JSON per request. It contains no secrets. */
  readonly accessLog?: string
}
