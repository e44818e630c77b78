import { readdirSync, readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { openPostgresQueue } from '@oss-cse/fleet-pgboss'
import { cliEnvironment, cliPrograms } from './cli-program.js'
import { OURS } from './peer-names.js'
import { runToEnd } from './whole-process.js'

/** More than a machine can do. */
const PACE = ['--max-qps', '1000000', '--parallel', '32', '--no-progress', '--json']
const POLL_MS = 20

/**
 * @typedef {object} FleetRun
 * @property {string} url - what the run is about
 * @property {readonly string[]} command - the command of `oss-cse fleet`, and its own options
 * @property {readonly string[]} [keys] - the options that name the keys, for each process
 * @property {string} [address] - of PostgreSQL. Absent: the queue is in the process
 * @property {number} workers - how many processes there are
 * @property {Record<string, string>} service - the account of the server
 */

/**
 * Runs a command of the fleet to its end, in as many processes as asked for.
 *
 * @param {string} directory - an empty place for the run. It keeps the report
 * @param {FleetRun} run
 * @returns {Promise<{ seconds: number, objects: number, shards: number, cpuSeconds: number, peakRssMiB: number }>} the seconds
 *   from the start of the first process to the end of the last one; the CPU seconds of all processes; the most memory of one
 */
export async function runFleet(directory, { url, command, keys = [], address, workers, service }) {
  await mkdir(directory, { recursive: true })
  const [program] = Object.values({ [OURS]: cliPrograms()[OURS] })
  const env = {
    ...cliEnvironment(service),
    ...(address !== undefined && { OSS_CSE_FLEET_QUEUE: address }),
    OSS_CSE_FLEET_DIR: directory,
    FLEET_USAGE: join(directory, 'usage'),
  }
  const [script, ...rest] = program.slice(1)
  const node = [program[0], `--import=${new URL('./fleet-usage.js', import.meta.url)}`, script, ...rest]
  const id = `bench-${Date.now()}`
  const began = performance.now()
  const first = runToEnd(
    [...node, 'fleet', ...command, url, '--run', id, '--report', join(directory, 'report'), ...keys, ...PACE],
    { env },
  )
  const others = Array.from({ length: workers - 1 }, async () => {
    await Promise.race([first, isPlanned(address, id)])
    return runToEnd([...node, 'fleet', 'worker', '--run', id, ...keys, ...PACE], { env })
  })
  const [text] = await Promise.all([first, ...others])
  const seconds = (performance.now() - began) / 1000
  const { totals, shards, summary } = JSON.parse(text)
  if (summary.problemCount > 0) throw new Error(`The report is not complete: ${summary.problems}`)
  const usages = readdirSync(directory)
    .filter((name) => name.startsWith('usage-'))
    .map((name) => JSON.parse(readFileSync(join(directory, name), 'utf8')))
  return {
    seconds,
    objects: totals.objects,
    shards: shards.completed,
    cpuSeconds: usages.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
    peakRssMiB: Math.max(...usages.map(({ peakRssMiB }) => peakRssMiB)),
  }
}

/** Resolves when a run has shards: a worker refuses one that does not exist. */
async function isPlanned(address, id) {
  const queue = await openPostgresQueue({ connectionString: address })
  try {
    while (!(await queue.listRuns()).some((run) => run.id === id && run.plan.shards > 0)) await delay(POLL_MS)
  } finally {
    await queue.close()
  }
}
