/** The bytes of a block beside the message, at the least: 00 02, eight bytes of padding, 00. */
export const PKCS1_OVERHEAD_BYTES = 11

/** What came out of a block, and whether it is to be believed. */
export interface UnpaddedMessage {
  /** 1 when the whole block was well-formed, else 0. A number, so that several can be joined with `&`. */
  readonly valid: number
  /** The last `messageLength` bytes of the block, whether valid or not. The caller wipes them. */
  readonly message: Uint8Array
}

/**
 * Takes a message of a known length out of an RSAES-PKCS1-v1_5 block: `00 02`, nonzero padding, `00`, message.
 *
 * The length is known, so the separator has one place only, and a block that a wrong key decrypted passes with
 * a chance of about 2^-25 instead of the usual 2^-8. The same instructions run for every block of one size:
 * whoever can tell which check failed, or how early, can decrypt with the key (Bleichenbacher, 1998).
 *
 * @param block - the decrypted block, as long as the modulus, leading zero included
 * @param messageLength - the only length to accept, in bytes
 * @throws RangeError when no such message fits such a block; both lengths are public
 */
export function pkcs1Unpad(block: Uint8Array, messageLength: number): UnpaddedMessage {
  const separator = block.length - messageLength - 1
  if (messageLength < 0 || block.length < messageLength + PKCS1_OVERHEAD_BYTES) {
    throw new RangeError('The block is too short for the message and its padding.')
  }
  // Every byte of the block is read once, and what is wrong with any of them adds up in `bad` (0 to 255).
  let bad = byteAt(block, 0) | (byteAt(block, 1) ^ 2)
  for (let i = 2; i < separator; i++) bad |= isZero(byteAt(block, i))
  bad |= byteAt(block, separator)
  return { valid: isZero(bad), message: new Uint8Array(block.subarray(separator + 1)) }
}

/** 1 for 0, and 0 for 1 to 255: below zero the sign bit is set, and only then. */
function isZero(byte: number): number {
  return (byte - 1) >>> 31
}

function byteAt(block: Uint8Array, index: number): number {
  return block[index] as number
}
