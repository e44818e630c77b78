/** The minimum number of bytes in a block beside the message: 00 02, eight bytes of padding, 00. */
export const PKCS1_OVERHEAD_BYTES = 11

/** The content of a block, and whether it is valid. */
export interface UnpaddedMessage {
  /** 1 if the whole block was well-formed, otherwise 0. It is a number, so that several can be combined with `&`. */
  readonly valid: number
  /** The last `messageLength` bytes of the block, valid or not. The caller wipes them. */
  readonly message: Uint8Array
}

/**
 * Extracts a message of a known length from an RSAES-PKCS1-v1_5 block: `00 02`, nonzero padding, `00`, message.
 *
 * Because the length is known, the separator has only one possible position. A block that a wrong key decrypted
 * passes with a chance of about 2^-25 instead of the usual 2^-8. The same instructions run for every block of one
 * size. Anyone who can tell which check failed, or how early, can decrypt with the key (Bleichenbacher, 1998).
 *
 * @param block - the decrypted block, as long as the modulus, with the leading zero
 * @param messageLength - the only accepted length, in bytes
 * @throws RangeError when no such message fits such a block; both lengths are public
 */
export function pkcs1Unpad(block: Uint8Array, messageLength: number): UnpaddedMessage {
  const separator = block.length - messageLength - 1
  if (messageLength < 0 || block.length < messageLength + PKCS1_OVERHEAD_BYTES) {
    throw new RangeError('The block is too short for the message and its padding.')
  }
  // Each byte of the block is read once. All errors accumulate in `bad` (0 to 255).
  let bad = byteAt(block, 0) | (byteAt(block, 1) ^ 2)
  for (let i = 2; i < separator; i++) bad |= isZero(byteAt(block, i))
  bad |= byteAt(block, separator)
  return { valid: isZero(bad), message: new Uint8Array(block.subarray(separator + 1)) }
}

/** Returns 1 for 0, and 0 for 1 to 255: the sign bit is set only below zero. */
function isZero(byte: number): number {
  return (byte - 1) >>> 31
}

function byteAt(block: Uint8Array, index: number): number {
  return block[index] as number
}
