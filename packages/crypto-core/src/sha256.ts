/** A running SHA-256. Pass the bytes in order, and call `digest` once. */
export interface Sha256 {
  update(chunk: Uint8Array): void
  /** Returns the digest of all bytes: 32 bytes. It cannot be used afterwards. */
  digest(): Uint8Array
}
