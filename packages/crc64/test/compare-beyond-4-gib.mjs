// Compares with hash-wasm over 4 GiB and 100 MiB in one message, cut at random. Run on the built package; it takes some seconds.

import { createCrc64 } from '@oss-cse/crc64'
import { createCRC64 } from 'hash-wasm'

const TOTAL_BYTES = 4 * 2 ** 30 + 100 * 2 ** 20

let word = 0x9e3779b9
function nextWord() {
  word ^= word << 13
  word ^= word >>> 17
  word ^= word << 5
  return word >>> 0
}

const bytes = new Uint8Array(2 ** 20)
const words = new Uint32Array(bytes.buffer)
words.forEach((_, index) => {
  words[index] = nextWord()
})

const [ours, theirs] = [createCrc64(), (await createCRC64()).init()]
let [doneBytes, chunks, compared] = [0, 0, 0]
while (doneBytes < TOTAL_BYTES) {
  // One of sixteen is short. No two chunks are alike.
  const longest = nextWord() % 16 === 0 ? 4096 : bytes.length
  const length = Math.min(1 + (nextWord() % longest), TOTAL_BYTES - doneBytes)
  words[chunks % words.length] ^= nextWord()
  const start = nextWord() % (bytes.length - length + 1)
  const chunk = bytes.subarray(start, start + length)
  ours.update(chunk)
  theirs.update(chunk)
  doneBytes += length
  chunks++
  if (chunks % 256 === 0 || doneBytes === TOTAL_BYTES) {
    const state = theirs.save()
    const expected = theirs.digest('hex')
    theirs.load(state)
    const actual = ours.value().toString(16).padStart(16, '0')
    compared++
    if (actual !== expected) throw new Error(`After ${doneBytes} bytes: ${actual}, and not ${expected}.`)
  }
}
console.log(
  `${doneBytes} bytes in ${chunks} chunks: ${compared} values compared, all equal, the last ${ours.value().toString(16)}`,
)
