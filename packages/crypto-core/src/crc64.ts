import { createCRC64 } from 'hash-wasm'

/** A running CRC-64/ECMA-182 (reflected, the variant of OSS). Pass the bytes in order, and read the value at any time. */
export interface Crc64 {
  update(chunk: Uint8Array): void
  /** The checksum of all bytes so far, as an unsigned 64-bit number. */
  value(): bigint
}

const MASK = 0xffffffffffffffffn
/** The polynomial 0x42F0E1EBA9EA3693, bit-reflected. */
const POLYNOMIAL = 0xc96c5795d7870f42n

/**
 * Starts a checksum, in WebAssembly if the runtime allows it, otherwise in plain JavaScript.
 *
 * @example
 * ```ts
 * const crc = await createCrc64()
 * crc.update(new TextEncoder().encode('123456789'))
 * crc.value() // 0x995dc9bbdf1939fan
 * ```
 */
export async function createCrc64(): Promise<Crc64> {
  try {
    return await createWasmCrc64()
  } catch {
    // A content security policy may forbid WebAssembly.
    return createPlainCrc64()
  }
}

async function createWasmCrc64(): Promise<Crc64> {
  const hasher = await createCRC64()
  hasher.init()
  return {
    update(chunk) {
      hasher.update(chunk)
    },
    value() {
      // digest() closes the hasher, so it works on a copy of the state.
      const state = hasher.save()
      const value = BigInt(`0x${hasher.digest('hex')}`)
      hasher.load(state)
      return value
    },
  }
}

let tables: readonly Uint32Array[] | undefined

/** Slicing-by-four tables: for k = 0..3, the low and the high half of the CRC of a byte followed by k zeros. */
function crcTables(): readonly Uint32Array[] {
  if (tables !== undefined) return tables
  const made = Array.from({ length: 8 }, () => new Uint32Array(256))
  const words = Array.from({ length: 256 }, (_, byte) => {
    let word = BigInt(byte)
    for (let bit = 0; bit < 8; bit++) word = word & 1n ? (word >> 1n) ^ POLYNOMIAL : word >> 1n
    return word
  })
  for (let byte = 0; byte < 256; byte++) {
    let word = words[byte] as bigint
    for (let k = 0; k < 4; k++) {
      ;(made[2 * k] as Uint32Array)[byte] = Number(word & 0xffffffffn)
      ;(made[2 * k + 1] as Uint32Array)[byte] = Number(word >> 32n)
      word = (word >> 8n) ^ (words[Number(word & 0xffn)] as bigint)
    }
  }
  tables = made
  return made
}

/** The fallback where WebAssembly is forbidden. It is several times slower, and returns the same values. */
export function createPlainCrc64(): Crc64 {
  const [l0, h0, l1, h1, l2, h2, l3, h3] = crcTables() as Uint32Array[] as [
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
  ]
  let low = 0xffffffff
  let high = 0xffffffff
  return {
    update(chunk) {
      let i = 0
      const whole = chunk.length - (chunk.length % 4)
      for (; i < whole; i += 4) {
        const a = (low ^ (chunk[i] as number)) & 0xff
        const b = ((low >>> 8) ^ (chunk[i + 1] as number)) & 0xff
        const c = ((low >>> 16) ^ (chunk[i + 2] as number)) & 0xff
        const d = ((low >>> 24) ^ (chunk[i + 3] as number)) & 0xff
        low = high ^ (l3[a] as number) ^ (l2[b] as number) ^ (l1[c] as number) ^ (l0[d] as number)
        high = (h3[a] as number) ^ (h2[b] as number) ^ (h1[c] as number) ^ (h0[d] as number)
      }
      for (; i < chunk.length; i++) {
        const index = (low ^ (chunk[i] as number)) & 0xff
        low = (low >>> 8) | (high << 24)
        low ^= l0[index] as number
        high = (high >>> 8) ^ (h0[index] as number)
      }
    },
    value() {
      return ((BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)) ^ MASK
    },
  }
}

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
