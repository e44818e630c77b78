import { randomBytes } from 'node:crypto'
import { combineCrc64, createCrc64 } from '@oss-cse/crypto-core/internal'

const BLOCK_BYTES = 1024 * 1024
const block = randomBytes(BLOCK_BYTES)

/** Bytes `start` to `end` (exclusive) of an endless repetition of one random block, in slices of that block. */
export function* syntheticBytes(start, end) {
  for (let at = start; at < end; ) {
    const from = at % BLOCK_BYTES
    const slice = block.subarray(from, Math.min(BLOCK_BYTES, from + end - at))
    yield slice
    at += slice.length
  }
}

/**
 * The CRC-64 of the first `sizeBytes` of that repetition, without going through them.
 *
 * @param {number} sizeBytes
 * @returns {bigint}
 */
export function syntheticCrc64(sizeBytes) {
  const crcOf = (bytes) => {
    const crc = createCrc64()
    crc.update(bytes)
    return crc.value()
  }
  let run = { crc: crcOf(block), sizeBytes: BLOCK_BYTES }
  let whole = 0n
  for (let blocks = Math.floor(sizeBytes / BLOCK_BYTES); blocks > 0; blocks = Math.floor(blocks / 2)) {
    if (blocks % 2 === 1) whole = combineCrc64(whole, run.crc, run.sizeBytes)
    run = { crc: combineCrc64(run.crc, run.crc, run.sizeBytes), sizeBytes: run.sizeBytes * 2 }
  }
  const tail = block.subarray(0, sizeBytes % BLOCK_BYTES)
  return combineCrc64(whole, crcOf(tail), tail.length)
}
