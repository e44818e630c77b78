/** Half of the exponent's bits are never set: 65,537 is 2^16 + 1. */
const SQUARINGS = 16

/**
 * Computes `base^65537 mod modulus`, the public operation of RSA.
 *
 * BigInt does not take constant time. Here the exponent is public. What depends on the secret message is the time of 17 products
 * of numbers that look random, once for each message.
 */
export function publicPower(base: bigint, modulus: bigint): bigint {
  let power = base
  for (let i = 0; i < SQUARINGS; i++) power = (power * power) % modulus
  return (power * base) % modulus
}
