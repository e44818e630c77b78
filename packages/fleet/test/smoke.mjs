// Run on the built package under every Node.js of the matrix that it allows.
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CryptoBucket } from '@oss-cse/bucket'
import { Keyring } from '@oss-cse/crypto-core'
import { createTestProvider, MemoryTransport } from '@oss-cse/crypto-core/testing'
import {
  auditShard,
  mergeReport,
  migrateShard,
  planShards,
  rotateShard,
  runProgress,
  runWorker,
  shardObjects,
  writePart,
} from '@oss-cse/fleet'
import { FileReportStore } from '@oss-cse/fleet/node'
import { jobQueueContract, MemoryJobQueue } from '@oss-cse/fleet/testing'

const store = new MemoryJobQueue({ maxFailures: 3 })
const rules = jobQueueContract({
  connect: () => store.connect(),
  expireLease: (runId, shardIndex) => store.expireLease(runId, shardIndex),
  maxFailures: 3,
})
for (const { run } of rules) await run()

const catalog = new MemoryTransport()
for (let i = 0; i < 100; i++) await catalog.plant(`key-${i}`, new Uint8Array(i))
const queue = new MemoryJobQueue()
await queue.createRun({ id: 'run', command: 'audit', settings: {} })
const plan = { catalog, maxKeys: 10, maxBytes: 300 }
const status = await runWorker({
  queue,
  runId: 'run',
  plan,
  parallel: 3,
  async doShard(shard, { signal }) {
    const totals = { objects: 0, bytes: 0 }
    for await (const { sizeBytes } of shardObjects(shard, { catalog, signal })) {
      totals.objects += 1
      totals.bytes += sizeBytes
    }
    return totals
  },
})
assert.deepEqual(status.totals, { objects: 100, bytes: 4950 })
assert.equal(status.shards.completed, (await planShards({ queue, runId: 'run', ...plan })).shards)
assert.equal(runProgress(status, []).etaMs, undefined)

const directory = await mkdtemp(join(tmpdir(), 'oss-cse-'))
try {
  const reports = new FileReportStore({ directory })
  const rows = auditShard({ index: 0 }, { catalog, transport: catalog })
  const totals = await writePart(reports, { index: 0 }, rows)
  assert.deepEqual(totals, { objects: 100, bytes: 4950, plain: 100 })
  assert.equal((await mergeReport(reports, { shards: 1, totals })).problemCount, 0)
  assert.equal((await readFile(join(directory, 'report.csv'), 'utf8')).split('\n').length, 102)

  catalog.versioning = 'Enabled'
  const [first, second] = [1, 2].map((seed) =>
    createTestProvider({ seed, materialDescription: { key: `${seed}` } }),
  )
  const common = { transport: catalog, placement: { mode: 'versioned' }, intents: reports }
  const migrated = migrateShard({ index: 1 }, { ...common, keyring: new Keyring({ encrypting: first }) })
  assert.equal((await writePart(reports, { index: 1 }, migrated)).migrated, 100)
  const keyring = new Keyring({ encrypting: second, decrypting: [first] })
  const rotated = rotateShard({ index: 1 }, { ...common, keyring })
  assert.equal((await writePart(reports, { index: 1 }, rotated)).rotated, 100)
  const reader = new CryptoBucket({ transport: catalog, provider: second })
  assert.deepEqual(await reader.getBytes('key-99'), new Uint8Array(99))
} finally {
  await rm(directory, { recursive: true })
}
console.log(`fleet: a run is over on ${process.version}`)
