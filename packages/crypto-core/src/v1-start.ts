import { IV_BYTES } from './content-key.ts'

const MAX_NEW_START = 10
/** The largest multiple of MAX_NEW_START that a byte holds. Values above it would favour small results. */
const FAIR_BYTES = 256 - (256 % MAX_NEW_START)
const MAX_START = (1n << 128n) - 1n

/**
 * Returns a new start value of a V1 envelope, as its counter block: 1 to 10, like oss2 2.10 oss2/utils.py
 * `random_counter`. These are few values, but each object has its own CEK.
 */
export function generateV1Start(): Uint8Array {
  const iv = new Uint8Array(IV_BYTES)
  const random = new Uint8Array(1)
  do crypto.getRandomValues(random)
  while ((random[0] as number) >= FAIR_BYTES)
  iv[IV_BYTES - 1] = 1 + ((random[0] as number) % MAX_NEW_START)
  return iv
}

/** Returns the decimal text of a start value. A V1 envelope wraps it in place of an IV. */
export function formatV1Start(iv: Uint8Array): string {
  return iv.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n).toString()
}

/**
 * Returns the counter block (16 bytes) of a start value.
 *
 * @param text - the unwrapped value: a decimal number
 * @returns `undefined` for anything else, so that the caller can choose the error
 */
export function parseV1Start(text: string): Uint8Array | undefined {
  if (!/^[0-9]{1,39}$/.test(text)) return undefined
  let value = BigInt(text)
  if (value > MAX_START) return undefined
  const iv = new Uint8Array(IV_BYTES)
  for (let i = IV_BYTES - 1; i >= 0; i--) {
    iv[i] = Number(value & 0xffn)
    value >>= 8n
  }
  return iv
}
