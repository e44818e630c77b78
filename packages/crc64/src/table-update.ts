import { POLYNOMIAL } from './polynomial.ts'

/** In each table, a byte has two words. */
const TABLE_WORDS = 512

let tables: Int32Array | undefined

/**
 * Four tables one after another: in number k, for each byte, the low and the high half of the state that the byte leaves
 * behind when k zeros follow it. One array is far quicker than one for each table or half.
 */
function crcTables(): Int32Array {
  if (tables !== undefined) return tables
  const polynomialLow = Number(POLYNOMIAL & 0xffffffffn)
  const polynomialHigh = Number(POLYNOMIAL >> 32n)
  const made = new Int32Array(4 * TABLE_WORDS)
  for (let byte = 0; byte < 256; byte++) {
    let low = byte
    let high = 0
    for (let bit = 0; bit < 8; bit++) {
      const mask = -(low & 1)
      low = ((low >>> 1) | (high << 31)) ^ (polynomialLow & mask)
      high = (high >>> 1) ^ (polynomialHigh & mask)
    }
    made[2 * byte] = low
    made[2 * byte + 1] = high
  }
  for (let at = TABLE_WORDS; at < made.length; at += 2) {
    const low = made[at - TABLE_WORDS] as number
    const high = made[at - TABLE_WORDS + 1] as number
    const index = 2 * (low & 0xff)
    made[at] = ((low >>> 8) | (high << 24)) ^ (made[index] as number)
    made[at + 1] = (high >>> 8) ^ (made[index + 1] as number)
  }
  tables = made
  return made
}

/** Adds bytes in plain JavaScript, by tables, four at a time. */
export function updateByTables(state: Int32Array, chunk: Uint8Array): void {
  const words = crcTables()
  let [low, high] = state as unknown as [number, number]
  const whole = chunk.length - (chunk.length % 4)
  let i = 0
  for (; i < whole; i += 4) {
    const a = 2 * ((low ^ (chunk[i] as number)) & 0xff) + 3 * TABLE_WORDS
    const b = 2 * (((low >>> 8) ^ (chunk[i + 1] as number)) & 0xff) + 2 * TABLE_WORDS
    const c = 2 * (((low >>> 16) ^ (chunk[i + 2] as number)) & 0xff) + TABLE_WORDS
    const d = 2 * (((low >>> 24) ^ (chunk[i + 3] as number)) & 0xff)
    low = high ^ (words[a] as number) ^ (words[b] as number) ^ (words[c] as number) ^ (words[d] as number)
    high =
      (words[a + 1] as number) ^
      (words[b + 1] as number) ^
      (words[c + 1] as number) ^
      (words[d + 1] as number)
  }
  for (; i < chunk.length; i++) {
    const index = 2 * ((low ^ (chunk[i] as number)) & 0xff)
    low = ((low >>> 8) | (high << 24)) ^ (words[index] as number)
    high = (high >>> 8) ^ (words[index + 1] as number)
  }
  state[0] = low
  state[1] = high
}
