/** One row of a hex view. */
interface HexRow {
  /** Four hex digits. */
  readonly offset: string
  /** Two hex digits per byte, separated by spaces, padded to a full row. */
  readonly hex: string
  /** One character per byte, a dot if it is not printable ASCII, padded to a full row. */
  readonly ascii: string
}

/** Splits bytes into the rows of a hex view. */
export function hexRows(bytes: Uint8Array, bytesPerRow = 8): readonly HexRow[] {
  const rows: HexRow[] = []
  for (let start = 0; start < bytes.length; start += bytesPerRow) {
    const row = [...bytes.subarray(start, start + bytesPerRow)]
    rows.push({
      offset: start.toString(16).padStart(4, '0'),
      hex: row
        .map((byte) => byte.toString(16).padStart(2, '0'))
        .join(' ')
        .padEnd(bytesPerRow * 3 - 1),
      ascii: row.map(asciiCharacter).join('').padEnd(bytesPerRow),
    })
  }
  return rows
}

function asciiCharacter(byte: number): string {
  return byte >= 0x20 && byte <= 0x7e ? String.fromCharCode(byte) : '.'
}
