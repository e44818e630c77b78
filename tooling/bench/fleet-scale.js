// Measures what an audit of very many objects takes: time, memory, and the size of the queue. README.md says how.
import { execFile } from 'node:child_process'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs, promisify } from 'node:util'
import { postgresPrograms, startPostgres } from '@oss-cse/postgres-server'
import { Child } from './child.js'
import { runFleet } from './fleet-processes.js'
import { table } from './markdown.js'
import { Workspace } from './workspace.js'

const SAMPLE_MS = 1000

const { values } = parseArgs({
  options: {
    objects: { type: 'string', multiple: true, default: ['100000', '1000000'] },
    queue: { type: 'string', multiple: true, default: ['embedded', 'PostgreSQL'] },
  },
})

const workspace = new Workspace()
const rows = []
for (const queue of values.queue) {
  for (const objects of values.objects) rows.push(await measure(queue, Number(objects)))
}
const head = [
  'queue',
  'objects',
  'shards',
  'seconds',
  'objects/s',
  'CPU ms per object',
  'RSS, MiB',
  'queue, MiB',
]
console.log(table([head, ...rows]))

/** One audit by one process, from the first request to the merged report. */
async function measure(queue, objects) {
  const server = new Child(new URL('./synthetic-bucket.js', import.meta.url), [JSON.stringify({ objects })])
  const postgres = queue === 'embedded' ? undefined : await startPostgres()
  const stop = new AbortController()
  const directory = workspace.path(`run-${rows.length}`)
  try {
    const service = await server.receive()
    const measured = largest(stop.signal, () =>
      postgres === undefined ? sizeOf(directory, /[/]queue[/]/) : databaseBytes(postgres),
    )
    const run = await runFleet(directory, {
      url: `oss://${service.bucket}/data/`,
      command: ['audit'],
      address: postgres?.connectionString,
      workers: 1,
      service,
    })
    stop.abort()
    if (run.objects !== objects) throw new Error(`The report has ${run.objects} of ${objects} objects.`)
    return [
      queue,
      objects,
      run.shards,
      run.seconds.toFixed(1),
      Math.round(objects / run.seconds),
      ((run.cpuSeconds / objects) * 1000).toFixed(2),
      Math.round(run.peakRssMiB),
      Math.round((await measured) / 2 ** 20),
    ]
  } finally {
    stop.abort()
    await postgres?.remove()
    await server.end()
    await workspace.remove(`run-${rows.length}`)
  }
}

/** The largest of what was measured once in a second. */
async function largest(signal, measureOnce) {
  let most = 0
  while (!signal.aborted) {
    most = Math.max(most, await measureOnce().catch(() => 0))
    await delay(SAMPLE_MS, undefined, { signal }).catch(() => {})
  }
  return most
}

/** The bytes of the files of a directory whose paths fit. */
async function sizeOf(directory, fits) {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const paths = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
  const sizes = paths
    .filter((path) => fits.test(path))
    .map(async (path) => (await stat(path).catch(() => ({ size: 0 }))).size)
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}

async function databaseBytes({ connectionString }) {
  const query = 'SELECT pg_database_size(current_database())'
  const { stdout } = await promisify(execFile)(join(postgresPrograms(), 'psql'), [
    connectionString,
    '-Atc',
    query,
  ])
  return Number(stdout)
}
