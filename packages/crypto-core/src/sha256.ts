/** A running SHA-256. Feed it in order, end it once. */
export interface Sha256 {
  update(chunk: Uint8Array): void
  /** The digest of all bytes: 32 bytes. Ends the run. */
  digest(): Uint8Array
}
