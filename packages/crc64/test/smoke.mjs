// Run on the built package under every Node.js of the matrix.
import assert from 'node:assert/strict'
import { Worker } from 'node:worker_threads'
import { combineCrc64, createCrc64 } from '@oss-cse/crc64'

function crc64(...chunks) {
  const crc = createCrc64()
  for (const chunk of chunks) crc.update(chunk)
  return crc.value()
}

/** Bit by bit, as the definition says. */
function slowCrc64(bytes) {
  let crc = 0xffffffffffffffffn
  for (const byte of bytes) {
    crc ^= BigInt(byte)
    for (let bit = 0; bit < 8; bit++) crc = crc & 1n ? (crc >> 1n) ^ 0xc96c5795d7870f42n : crc >> 1n
  }
  return crc ^ 0xffffffffffffffffn
}

assert.equal(crc64(new TextEncoder().encode('123456789')), 0x995dc9bbdf1939fan)
const bytes = new Uint8Array(40_000).map((_, index) => (index * index) >> 3)
const expected = slowCrc64(bytes)
const [first, second] = [bytes.subarray(0, 10_001), bytes.subarray(10_001)]
assert.equal(crc64(bytes), expected)
assert.equal(crc64(first, second), expected)
assert.equal(combineCrc64(crc64(first), crc64(second), second.length), expected)

// A runtime that forbids WebAssembly, in a thread of its own.
const worker = new Worker(
  `globalThis.WebAssembly = undefined
  const { parentPort, workerData } = require('node:worker_threads')
  import(workerData.address).then(({ createCrc64 }) => {
    const crc = createCrc64()
    crc.update(workerData.bytes)
    parentPort.postMessage(crc.value())
  })`,
  { eval: true, workerData: { address: import.meta.resolve('@oss-cse/crc64'), bytes } },
)
const plain = await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
assert.equal(plain, expected)
console.log(`crc64: the values hold on ${process.version}`)
