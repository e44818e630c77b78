// Measures how long the shard of a killed fleet worker waits for another worker. README.md says how.
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { openPostgresQueue } from '@oss-cse/fleet-pgboss'
import { startPostgres } from '@oss-cse/postgres-server'
import { Child } from './child.js'
import { table } from './markdown.js'

const { values } = parseArgs({
  options: {
    lease: { type: 'string', multiple: true, default: ['10', '30'] },
    kills: { type: 'string', default: '20' },
  },
})
const kills = Number(values.kills)

const server = await startPostgres()
try {
  const rows = []
  for (const lease of values.lease) {
    const seconds = (await recoveryTimes(Number(lease))).sort((a, b) => a - b)
    const figures = [seconds[0], seconds[Math.floor(kills / 2)], seconds[kills - 1]]
    rows.push([`${lease} s`, String(kills), ...figures.map((figure) => `${figure.toFixed(1)} s`)])
  }
  console.log(table([['lease', 'kills', 'minimum', 'median', 'maximum'], ...rows]))
} finally {
  await server.remove()
}

/** The seconds from each kill to the moment when another process has the shard. */
async function recoveryTimes(leaseSeconds) {
  const options = { connectionString: server.connectionString, schema: `lease_${leaseSeconds}`, leaseSeconds }
  const queue = await openPostgresQueue(options)
  const times = await Promise.all(
    Array.from({ length: kills }, async (_, number) => {
      const runId = `run-${number}`
      await queue.createRun({ id: runId, command: 'audit', settings: {} })
      await queue.addShards(runId, { expectedShards: 0, shards: [{ index: 0 }], listedKeys: 0 })
      const holder = new Child(new URL('./lease-holder.js', import.meta.url), [
        JSON.stringify({ options, runId }),
      ])
      await holder.receive()
      // At any moment between two signs of life, and between two looks for ended leases.
      await delay(Math.random() * leaseSeconds * 1000)
      const killed = performance.now()
      holder.kill()
      let held
      while (held === undefined) {
        await queue.wait(runId)
        held = await queue.take(runId)
      }
      const seconds = (performance.now() - killed) / 1000
      await held.complete({})
      return seconds
    }),
  )
  await queue.close()
  return times
}
