import { POLYNOMIAL } from './polynomial.ts'

/** Multiplies two polynomials modulo the CRC's, both bit-reflected. */
function multiply(a: bigint, b: bigint): bigint {
  let product = 0n
  let factor = b
  for (let bit = 63n; bit >= 0n; bit--) {
    if ((a >> bit) & 1n) product ^= factor
    factor = factor & 1n ? (factor >> 1n) ^ POLYNOMIAL : factor >> 1n
  }
  return product
}

/**
 * Computes the checksum of two joined runs of bytes from the checksum of each.
 *
 * @param first - CRC-64 of the first run
 * @param second - CRC-64 of the second run
 * @param secondSizeBytes - the length of the second run
 */
export function combineCrc64(first: bigint, second: bigint, secondSizeBytes: number): bigint {
  return multiply(shiftBy(secondSizeBytes), first) ^ second
}

/** Caches the last shift, because all parts of an object but one have the same length. */
let lastShift = { sizeBytes: 0, value: 1n << 63n }

/** x^(8 * size), reflected, by repeated squaring. */
function shiftBy(sizeBytes: number): bigint {
  if (sizeBytes === lastShift.sizeBytes) return lastShift.value
  let power = 1n << 55n // x^8, reflected
  let value = 1n << 63n // x^0, reflected
  for (let size = BigInt(sizeBytes); size > 0n; size >>= 1n) {
    if (size & 1n) value = multiply(value, power)
    power = multiply(power, power)
  }
  lastShift = { sizeBytes, value }
  return value
}
