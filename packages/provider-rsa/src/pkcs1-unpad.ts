/** The minimum number of bytes of a block beside the message: 00 02, eight bytes of padding, 00. */
export const PKCS1_OVERHEAD_BYTES = 11

/** The message of a block, and whether it can be trusted. */
export interface UnpaddedMessage {
  /** 1 if the whole block is well-formed, else 0. It is a number so that `&` can combine several of them. */
  readonly valid: number
  /** The last `messageLength` bytes of the block, whether valid or not. The caller wipes them. */
  readonly message: Uint8Array
}

/**
 * Extracts a message of a known length from an RSAES-PKCS1-v1_5 block: `00 02`, nonzero padding, `00`, message.
 *
 * Because the length is known, the separator has only one possible position. A block that a wrong key decrypted passes
 * with a chance of about 2^-25 instead of the usual 2^-8. The same instructions run for each block of one size. Anyone
 * who can tell which check failed, or how early, can decrypt with the key (Bleichenbacher, 1998).
 *
 * @param block - the decrypted block, as long as the modulus, including the leading zero
 * @param messageLength - the only accepted length, in bytes
 * @throws RangeError if the block is too short for the message. Both lengths are public.
 */
export function pkcs1Unpad(block: Uint8Array, messageLength: number): UnpaddedMessage {
  const separator = block.length - messageLength - 1
  if (messageLength < 0 || block.length < messageLength + PKCS1_OVERHEAD_BYTES) {
    throw new RangeError('The block is too short for the message and its padding.')
  }
  // Each byte of the block is read once. `bad` (0 to 255) accumulates the errors of all of them.
  let bad = byteAt(block, 0) | (byteAt(block, 1) ^ 2)
  for (let i = 2; i < separator; i++) bad |= isZero(byteAt(block, i))
  bad |= byteAt(block, separator)
  return { valid: isZero(bad), message: new Uint8Array(block.subarray(separator + 1)) }
}

/** Returns 1 for 0, and 0 for 1 to 255: only a negative number has the sign bit set. */
function isZero(byte: number): number {
  return (byte - 1) >>> 31
}

function byteAt(block: Uint8Array, index: number): number {
  return block[index] as number
}
