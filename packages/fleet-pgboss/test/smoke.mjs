// Runs the built package, as users get it, on the current Node.js: `pnpm run test:matrix`.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openEmbeddedQueue, openPostgresQueue } from '@oss-cse/fleet-pgboss'

process.on('warning', (warning) => {
  throw warning
})

const directory = mkdtempSync(join(tmpdir(), 'fleet-pgboss-'))
try {
  const queue = await openEmbeddedQueue({ directory })
  await queue.createRun({ id: 'run', command: 'audit', settings: { bucket: 'b' } })
  assert.equal(
    await queue.addShards('run', { expectedShards: 0, shards: [{ index: 0 }], listedKeys: 3 }),
    true,
  )
  await assert.rejects(openEmbeddedQueue({ directory }), { code: 'ERR_CSE_QUEUE' })
  const held = await queue.take('run')
  await held.complete({ objects: 3 })
  await queue.close()

  const again = await openEmbeddedQueue({ directory })
  const { shards, totals } = await again.getRun('run')
  assert.deepEqual(shards, { waiting: 0, taken: 0, completed: 1, failed: 0 })
  assert.deepEqual(totals, { objects: 3 })
  await again.close()
  await assert.rejects(openPostgresQueue({ connectionString: '' }), { code: 'ERR_CSE_INVALID_ARGUMENT' })
} finally {
  rmSync(directory, { recursive: true })
}
console.log(`fleet-pgboss: ok on ${process.version}`)
