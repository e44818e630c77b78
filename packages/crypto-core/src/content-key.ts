import { isUint8Array } from './bytes.ts'
import { CseError } from './errors.ts'
import type { ContentKey } from './ports.ts'

/** The length in bytes of a content encryption key (AES-256). */
export const CEK_BYTES = 32
/** The length in bytes of an IV: one counter block. */
export const IV_BYTES = 16

/** Returns a new random content encryption key: 32 bytes. */
export function generateCek(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(CEK_BYTES))
}

/**
 * Returns a new IV: 8 random bytes, 4 zero bytes, 4 random bytes. Readers depend on this layout: to seek, the Java SDK
 * overwrites bytes 8..11 and reads bytes 12..15 as the whole counter.
 */
export function generateIv(): Uint8Array {
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES))
  iv.fill(0, 8, 12)
  return iv
}

/**
 * Checks a content key: two Uint8Arrays, of 32 bytes (CEK) and 16 bytes (IV).
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT`.
 */
export function checkContentKey({ cek, iv }: ContentKey): void {
  if (hasLength(cek, CEK_BYTES) && hasLength(iv, IV_BYTES)) return
  throw new CseError(
    'ERR_CSE_INVALID_ARGUMENT',
    `A content key must be a Uint8Array of ${CEK_BYTES} bytes (CEK) and one of ${IV_BYTES} bytes (IV).`,
  )
}

function hasLength(bytes: unknown, lengthBytes: number): boolean {
  return isUint8Array(bytes) && bytes.length === lengthBytes
}
