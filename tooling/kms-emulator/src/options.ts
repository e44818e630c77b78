/** Options of `startKmsEmulator`. */
export interface KmsEmulatorOptions {
  /** The address to listen on. Default `127.0.0.1`. */
  readonly host?: string
  /** The port. Default 0: a free port. */
  readonly port?: number
  /** Default `cn-hangzhou`. */
  readonly region?: string
  /** Default: random. */
  readonly accessKeyId?: string
  /** Default: random. */
  readonly accessKeySecret?: string
  /** Makes the access key a temporary one: each request must then carry this token. */
  readonly securityToken?: string
  /** The directory of the keys and, with `tls`, of the certificate. Default: they exist as long as the emulator. */
  readonly dataDirectory?: string
  /**
   * Uses HTTPS, with a certificate for `localhost` and `127.0.0.1` and its own CA. With `dataDirectory` both are kept
   * there, so that clients that trust the CA still trust the emulator after a restart. Default `false`.
   */
  readonly tls?: boolean
  /** The delay of each response in milliseconds. Default 0. */
  readonly latencyMs?: number
  /** The clock of the server. Default: the system clock. */
  readonly clock?: () => Date
  /** The maximum number of `requests`. The oldest are dropped first. Default 10,000. */
  readonly maxRecordedRequests?: number
  /** A file to which one line of JSON is appended for each request. It contains no secrets. */
  readonly accessLog?: string
}
