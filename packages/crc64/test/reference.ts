import { createCRC64 } from 'hash-wasm'

/** Bytes that look random, and are the same in each run. */
export function sampleBytes(length: number): Uint8Array<ArrayBuffer> {
  let word = 0x9e3779b9
  return new Uint8Array(length).map(() => {
    word ^= word << 13
    word ^= word >>> 17
    word ^= word << 5
    return word
  })
}

/** The checksum as hash-wasm computes it. */
export async function referenceCrc64(...chunks: readonly Uint8Array[]): Promise<bigint> {
  const hasher = (await createCRC64()).init()
  for (const chunk of chunks) hasher.update(chunk)
  return BigInt(`0x${hasher.digest('hex')}`)
}

/** The checksums of the first 0, 1, 2 … bytes, as hash-wasm computes them. */
export async function referencePrefixes(bytes: Uint8Array): Promise<BigUint64Array> {
  const hasher = (await createCRC64()).init()
  const prefixes = new BigUint64Array(bytes.length + 1)
  for (let length = 1; length <= bytes.length; length++) {
    hasher.update(bytes.subarray(length - 1, length))
    const state = hasher.save()
    prefixes[length] = new DataView(hasher.digest('binary').buffer).getBigUint64(0)
    hasher.load(state)
  }
  return prefixes
}
