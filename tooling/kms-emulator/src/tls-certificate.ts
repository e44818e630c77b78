/** What a TLS server shows, and what proves it. All PEM. */
export interface TlsIdentity {
  readonly ca: string
  readonly cert: string
  readonly key: string
}
