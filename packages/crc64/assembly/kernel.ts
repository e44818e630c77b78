// This is AssemblyScript. `pnpm --filter @oss-cse/crc64 build:kernel` compiles it into src/kernel-code.ts.
//
// It checks one run of bytes at a time and remembers nothing: the state comes in, and goes out, through memory. So all
// checksums of a thread share one instance.

/** The polynomial 0x42F0E1EBA9EA3693, bit-reflected: the lowest bit is the highest power. */
const POLYNOMIAL: u64 = ((<u64>0xc96c5795) << 32) | 0xd7870f42

// This multiple of the polynomial has only eight terms:
//
//   x^1403 + x^1286 + x^1251 + x^1162 + x^1008 + x^509 + x^153 + 1
//
// It was found by a search for two equal sums of four powers; the search found none of a lower degree. A test proves it.
//
// Squaring it three times multiplies each exponent by 8, and the result is still a multiple. So it also holds with bytes
// in place of bits: adding a byte to the places that are these distances behind it, and clearing it, changes no checksum.
const D1: usize = 1403 - 1286
const D2: usize = 1403 - 1251
const D3: usize = 1403 - 1162
const D4: usize = 1403 - 1008
const D5: usize = 1403 - 509
const D6: usize = 1403 - 153
const D7: usize = 1403

/** Below this length, tables alone are as quick. */
const SPARSE_FROM_BYTES: usize = 2048

/** Sixteen tables of 256 words: in number k, what a byte does to the state when k more bytes follow. */
const TABLES: usize = 0
const TABLE_BYTES: usize = 2048

/** The state before and after `update`: 64 bits, the complement of the checksum. */
export const STATE: usize = TABLES + 16 * TABLE_BYTES

/** Room for the last bytes, which the distances reach over. */
const TAIL: usize = STATE + 64
const TAIL_BYTES: usize = 1536

/** In front of the input are as many zeros as the longest distance. Nobody writes there. */
const ZEROS: usize = TAIL + TAIL_BYTES
const ZEROS_BYTES: usize = 1408

/** Where `update` finds the bytes. It overwrites them. */
export const INPUT: usize = ZEROS + ZEROS_BYTES
export const INPUT_BYTES: usize = 131072

for (let byte: usize = 0; byte < 256; byte++) {
  let word: u64 = byte
  for (let bit = 0; bit < 8; bit++) word = (word >> 1) ^ (POLYNOMIAL & (0 - (word & 1)))
  store<u64>(TABLES + (byte << 3), word)
}
for (let at = TABLES; at < TABLES + 15 * TABLE_BYTES; at += 8) {
  const word = load<u64>(at)
  store<u64>(at + TABLE_BYTES, (word >> 8) ^ entry(0, word))
}

/** The entry of table `k` for the lowest byte of `word`. */
function entry(k: usize, word: u64): u64 {
  return load<u64>(TABLES + k * TABLE_BYTES + ((<usize>word & 255) << 3))
}

/** Sixteen bytes that came from before `at`, by all distances. */
function gathered(at: usize): v128 {
  return v128.xor(
    v128.xor(
      v128.xor(v128.load(at - D1), v128.load(at - D2)),
      v128.xor(v128.load(at - D3), v128.load(at - D4)),
    ),
    v128.xor(v128.xor(v128.load(at - D5), v128.load(at - D6)), v128.load(at - D7)),
  )
}

/** Adds the first `size` bytes of the input, at most INPUT_BYTES, to the state. */
export function update(size: usize): void {
  let crc = load<u64>(STATE)
  let at = INPUT
  let end = at + size
  if (size >= SPARSE_FROM_BYTES) {
    // A state is as good as its bytes added to the next eight.
    store<u64>(at, load<u64>(at) ^ crc)
    crc = 0
    const cut = at + ((size - D7) & ~63)
    for (; at < cut; at += 64) {
      // No distance is below 64, so what is read is not written in the same round.
      const a = v128.xor(v128.load(at), gathered(at))
      const b = v128.xor(v128.load(at + 16), gathered(at + 16))
      const c = v128.xor(v128.load(at + 32), gathered(at + 32))
      const d = v128.xor(v128.load(at + 48), gathered(at + 48))
      v128.store(at, a)
      v128.store(at + 16, b)
      v128.store(at + 32, c)
      v128.store(at + 48, d)
    }
    // The last bytes only receive. They move away and leave zeros, so they do not add to one another.
    const tail = end - cut
    memory.copy(TAIL, cut, tail)
    memory.fill(cut, 0, tail)
    for (let i: usize = 0; i < tail; i += 16) {
      v128.store(TAIL + i, v128.xor(v128.load(TAIL + i), gathered(cut + i)))
    }
    at = TAIL
    end = TAIL + tail
  }
  for (; at + 16 <= end; at += 16) {
    const next = load<u64>(at + 8)
    crc ^= load<u64>(at)
    crc =
      entry(7, next) ^
      entry(6, next >> 8) ^
      entry(5, next >> 16) ^
      entry(4, next >> 24) ^
      entry(3, next >> 32) ^
      entry(2, next >> 40) ^
      entry(1, next >> 48) ^
      entry(0, next >> 56) ^
      entry(15, crc) ^
      entry(14, crc >> 8) ^
      entry(13, crc >> 16) ^
      entry(12, crc >> 24) ^
      entry(11, crc >> 32) ^
      entry(10, crc >> 40) ^
      entry(9, crc >> 48) ^
      entry(8, crc >> 56)
  }
  for (; at < end; at++) crc = (crc >> 8) ^ entry(0, crc ^ <u64>load<u8>(at))
  store<u64>(STATE, crc)
}
