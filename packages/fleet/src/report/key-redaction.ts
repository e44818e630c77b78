import { CseError } from '@oss-cse/crypto-core'
import { encodeHex } from '@oss-cse/crypto-core/internal'

const MIN_SECRET_BYTES = 16

/**
 * Makes a function that replaces keys by hashes: HMAC-SHA-256 under a secret, in hexadecimal.
 *
 * Keys can be guessed, so a hash without a secret would hide nothing: anyone who has a list of likely keys could compare
 * their hashes. Without the secret, nobody can test a guess. With it, anybody can: keep it as you keep the keys themselves,
 * or forget it. All workers of a run use the same secret, so that a key that you look up has one hash. Sizes, dates and
 * the order of the rows are not hidden.
 *
 * @param secret - at least 16 random bytes, such as `crypto.getRandomValues(new Uint8Array(32))`
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for a secret that is too short
 *
 * @example
 * ```ts
 * const redact = await keyRedactor(secret)
 * const keyHash = await redact('people/jane-doe.pdf')
 * ```
 */
export async function keyRedactor(secret: Uint8Array): Promise<(key: string) => Promise<string>> {
  if (secret.length < MIN_SECRET_BYTES) {
    throw new CseError(
      'ERR_CSE_INVALID_ARGUMENT',
      `The secret of redacted keys must have at least ${MIN_SECRET_BYTES} random bytes.`,
    )
  }
  const algorithm = { name: 'HMAC', hash: 'SHA-256' }
  const hmacKey = await crypto.subtle.importKey('raw', Uint8Array.from(secret), algorithm, false, ['sign'])
  return async (key) => {
    const digest = await crypto.subtle.sign('HMAC', hmacKey, new TextEncoder().encode(key))
    return encodeHex(new Uint8Array(digest))
  }
}
