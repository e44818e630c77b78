/** Reads bytes as a number, the most significant byte first. */
export function numberOf(bytes: Uint8Array): bigint {
  let hex = '0x0'
  for (const byte of bytes) hex += byte.toString(16).padStart(2, '0')
  return BigInt(hex)
}

/** Writes a number that fits into so many bytes, the most significant byte first. */
export function bytesOf(number: bigint, lengthBytes: number): Uint8Array<ArrayBuffer> {
  const hex = number.toString(16).padStart(2 * lengthBytes, '0')
  return Uint8Array.from({ length: lengthBytes }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16))
}
