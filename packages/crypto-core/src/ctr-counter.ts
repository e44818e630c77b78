const BLOCK_MASK = (1n << 128n) - 1n

/** The length in bytes of an AES block, and so of one step of the counter. */
export const BLOCK_BYTES = 16

/**
 * Adds a number of blocks to a counter block. The counter is one 128-bit big-endian number that wraps.
 *
 * @param counter - 16 bytes. Not changed
 * @param blocks - the number of blocks to advance
 */
export function addToCounter(counter: Uint8Array, blocks: number | bigint): Uint8Array {
  let value = 0n
  for (const byte of counter) value = (value << 8n) | BigInt(byte)
  value = (value + BigInt(blocks)) & BLOCK_MASK
  const sum = new Uint8Array(BLOCK_BYTES)
  for (let i = BLOCK_BYTES - 1; i >= 0; i--) {
    sum[i] = Number(value & 0xffn)
    value >>= 8n
  }
  return sum
}
