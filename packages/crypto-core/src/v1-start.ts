import { IV_BYTES } from './content-key.ts'

const MAX_NEW_START = 10
/** The largest multiple of it that a byte holds: what lies above would favour small values. */
const FAIR_BYTES = 256 - (256 % MAX_NEW_START)
const MAX_START = (1n << 128n) - 1n

/**
 * A fresh start value of a V1 envelope, as the counter block that it stands for: 1 to 10, like
 * oss2 2.10 oss2/utils.py `random_counter`. Few values, but each object has a CEK of its own.
 */
export function generateV1Start(): Uint8Array {
  const iv = new Uint8Array(IV_BYTES)
  const random = new Uint8Array(1)
  do crypto.getRandomValues(random)
  while ((random[0] as number) >= FAIR_BYTES)
  iv[IV_BYTES - 1] = 1 + ((random[0] as number) % MAX_NEW_START)
  return iv
}

/** The decimal text of a start value, which a V1 envelope wraps in place of an IV. */
export function formatV1Start(iv: Uint8Array): string {
  return iv.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n).toString()
}

/**
 * The counter block (16 bytes) of a start value.
 *
 * @param text - what was unwrapped: a decimal number
 * @returns `undefined` for anything else, so that the caller chooses the error
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
