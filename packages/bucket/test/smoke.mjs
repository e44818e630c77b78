// Run on the built package under every Node.js of the matrix.
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { Worker } from 'node:worker_threads'
import { CryptoBucket } from '@oss-cse/bucket'
import { objectResponse } from '@oss-cse/bucket/http'
import { downloadFile, uploadFile } from '@oss-cse/bucket/node'
import { uploadFile as uploadBlob } from '@oss-cse/bucket/web'
import { createTestProvider, MemoryTransport } from '@oss-cse/crypto-core/testing'

const transport = new MemoryTransport()
const bucket = new CryptoBucket({ transport, provider: createTestProvider() })
const bytes = Buffer.alloc(1_000_003, 'oss-cse ')

await bucket.put('stream', Readable.from([bytes]))
assert.deepEqual(Buffer.from(await bucket.getBytes('stream')), bytes)
assert.deepEqual(Buffer.from(await bucket.getBytes('stream', { range: '-5' })), bytes.subarray(-5))
assert.notDeepEqual(Buffer.from(transport.objects.get('stream').bytes), bytes)

const part = new Request('https://app.example/', { headers: { range: 'bytes=-5' } })
const response = await objectResponse(bucket, 'stream', part)
assert.equal(response.status, 206)
assert.deepEqual(Buffer.from(await response.arrayBuffer()), bytes.subarray(-5))

// The entry for browsers loads everywhere: code for both imports it.
await uploadBlob(bucket, 'blob', new Blob([bytes]))
assert.deepEqual(Buffer.from(await bucket.getBytes('blob')), bytes)

const directory = await mkdtemp(join(tmpdir(), 'oss-cse-'))
try {
  await writeFile(join(directory, 'in'), bytes)
  await uploadFile(bucket, 'file', join(directory, 'in'))
  await downloadFile(bucket, 'file', join(directory, 'out'))
  assert.deepEqual(await readFile(join(directory, 'out')), bytes)

  // A large file goes through the worker, which is a file of the package that must be found.
  let messages = 0
  const { postMessage } = Worker.prototype
  Worker.prototype.postMessage = function (...parameters) {
    messages += 1
    return postMessage.apply(this, parameters)
  }
  const large = Buffer.alloc(9_000_003, 'oss-cse ')
  await writeFile(join(directory, 'in'), large)
  const inParts = { multipartThresholdBytes: 1, partSizeBytes: 1024 ** 2 }
  await uploadFile(bucket, 'large', join(directory, 'in'), inParts)
  await downloadFile(bucket, 'large', join(directory, 'out'), inParts)
  assert.deepEqual(await readFile(join(directory, 'out')), large)
  if (availableParallelism() > 1) assert.ok(messages > 0, 'the worker was not found')
} finally {
  await rm(directory, { recursive: true })
}
await assert.rejects(bucket.getByUrl('nonsense'), { code: 'ERR_CSE_INVALID_ARGUMENT' })
console.log(`bucket: an object comes back on ${process.version}`)
