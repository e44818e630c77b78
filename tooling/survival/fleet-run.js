import { setTimeout as delay } from 'node:timers/promises'
import { postgresPrograms } from '@oss-cse/postgres-server'
import { Findings } from './findings.js'
import { FleetSite } from './fleet-site.js'

const PROCESSES = 3
/** One of so many requests fails, and one of so many objects is changed by a writer. */
const RATES = { faultRate: 0.1, races: 0.01 }
/** A user's is 60 seconds. */
const LEASE_SECONDS = 10
/** The run has about so many shards. */
const SHARDS = 40
/** How many times more objects the run of several processes has. */
const EMBEDDED_SHARE = 4
/** How often what failed is tried again. */
const RETRY_ROUNDS = 5

/** What happens to a run, in the order of the keys at which it happens. */
const SHARED = [
  { name: 'kill', at: 0.1 },
  { name: 'stop', at: 0.3 },
  { name: 'database', at: 0.5 },
  { name: 'kill again', at: 0.7 },
]
const EMBEDDED = [
  { name: 'kill', at: 0.2 },
  { name: 'kill again', at: 0.6 },
]

/**
 * @typedef {object} FleetRunOptions
 * @property {'audit' | 'rotate' | 'migrate'} command
 * @property {readonly string[]} options - of the command
 * @property {boolean} versioned
 * @property {readonly import('./fleet-moments.js').Moment[]} moments - when a writer changes an object, and when processes are
 *   disrupted
 * @property {readonly string[]} kinds - of the objects at which processes are disrupted: those that the command works on
 * @property {number} objects
 * @property {readonly string[]} changes - what the writer does: see FleetWriter
 * @property {number} seed
 */

/**
 * Runs a command twice: by processes that share a database, and by one that has its queue in itself.
 *
 * @param {string} name - of the scenario
 * @param {FleetRunOptions} options
 * @returns {Promise<import('./index.js').Outcome>}
 */
export async function fleetOutcome(name, options) {
  const findings = new Findings()
  await embeddedRun({ ...options, objects: Math.ceil(options.objects / EMBEDDED_SHARE) }, findings)
  // In CI it is not left out.
  if (postgresPrograms() === undefined && process.env.CI === undefined) {
    return { ...findings.outcome(name), skipped: 'PostgreSQL is not installed: there is no initdb' }
  }
  await sharedRun(options, findings)
  return findings.outcome(name)
}

/**
 * Three processes on one database: one is killed, one is stopped for longer than its lease, the database is restarted, one more
 * is killed. Requests fail, and a writer changes objects meanwhile.
 */
async function sharedRun(options, findings) {
  const site = await openSite(options, SHARED, { embedded: false })
  try {
    const run = new SharedRun(site, findings)
    await run.work()
    await finish(site, findings)
  } finally {
    await site.close()
  }
}

/** One process with its queue: it is killed twice, and started again. */
async function embeddedRun(options, findings) {
  const site = await openSite(options, EMBEDDED, { embedded: true })
  try {
    site.begin()
    let { command } = site.startRun()
    for (const { name } of EMBEDDED) {
      await Promise.race([site.said('reached', name), endedEarly(command)])
      await command.kill()
      site.pass(name)
      findings.count('processes killed, embedded')
      ;({ command } = site.startRun())
    }
    await endAsExpected(command, 'the only process')
    await finish(site, findings, ', embedded')
  } finally {
    await site.close()
  }
}

class SharedRun {
  #site
  #findings
  /** @type {Map<string, import('./command.js').Command>} */
  #running = new Map()
  #starter
  /** The database is stopped while no process starts: one that is started without a database ends with an error. */
  #starts = Promise.resolve()
  /** Rejects when there is no process any more. */
  #over = Promise.withResolvers()

  constructor(site, findings) {
    this.#site = site
    this.#findings = findings
  }

  async work() {
    const started = performance.now()
    this.#site.begin()
    await this.#startRun()
    // Workers refuse a run that does not exist.
    await this.#said('reached', 'first listing')
    await Promise.all([
      ...Array.from({ length: PROCESSES - 1 }, () => this.#startWorker()),
      this.#kill('kill'),
      this.#stop('stop'),
      this.#database('database'),
      this.#kill('kill again'),
    ])
    for (const [worker, command] of this.#running) await endAsExpected(command, worker)
    this.#findings.count('seconds', secondsSince(started))
  }

  async #kill(name) {
    const { worker } = await this.#said('reached', name)
    const command = this.#running.get(worker)
    this.#running.delete(worker)
    const killed = performance.now()
    await command.kill()
    this.#site.pass(name)
    this.#findings.count('processes killed')
    // The command that began the run continues it, too.
    await (worker === this.#starter ? this.#startRun() : this.#startWorker())
    await this.#said('retaken', name)
    this.#findings.count(`seconds until another has the shard, ${name}`, secondsSince(killed))
  }

  async #stop(name) {
    const { worker } = await this.#said('reached', name)
    const command = this.#running.get(worker)
    const stopped = performance.now()
    command.signal('SIGSTOP')
    this.#site.pass(name)
    await this.#said('retaken', name)
    this.#findings.count(`seconds until another has the shard, ${name}`, secondsSince(stopped))
    command.signal('SIGCONT')
    this.#findings.count('processes stopped for longer than the lease')
  }

  async #database(name) {
    await this.#said('reached', name)
    await this.#whileNoneStarts(async () => {
      await this.#site.postgres.stop()
      this.#site.pass(name)
      // Long enough that workers complete shards meanwhile, and that leases end.
      await delay(LEASE_SECONDS * 1000)
      await this.#site.postgres.start()
    })
    this.#findings.count('restarts of the database')
  }

  #said(what, name) {
    return Promise.race([this.#site.said(what, name), this.#over.promise])
  }

  #startRun() {
    return this.#whileNoneStarts(() => {
      const started = this.#site.startRun()
      this.#starter = started.worker
      return this.#begun(started)
    })
  }

  #startWorker() {
    return this.#whileNoneStarts(() => this.#begun(this.#site.startWorker()))
  }

  /** Waits until a process asks for shards: from then on it keeps asking while the database is away. */
  async #begun(started) {
    this.#add(started)
    await started.command.reported
  }

  /** Does one thing at a time. */
  #whileNoneStarts(act) {
    const done = this.#starts.then(act)
    this.#starts = done.catch(() => {})
    return done
  }

  #add({ command, worker }) {
    this.#running.set(worker, command)
    const left = new Set()
    void command.ended.then(async () => {
      for (const one of this.#running.values()) left.add(one.ended)
      const ends = await Promise.all(left)
      const texts = ends.map(({ code, stderr }) => `${code}: ${stderr}`)
      if (this.#running.has(worker))
        this.#over.reject(new Error(`All processes ended too early. ${texts.join('; ')}`))
    })
  }
}

function openSite(options, disruptions, { embedded }) {
  const { moments, objects } = options
  return FleetSite.open({
    ...RATES,
    ...options,
    embedded,
    leaseSeconds: LEASE_SECONDS,
    maxListedKeys: Math.min(1000, Math.ceil(objects / SHARDS)),
    disruptions: disruptions.map((one, index) => ({ ...one, moment: moments[index % moments.length] })),
  })
}

/** Tries again what failed, and holds the reports and the bucket against what was stored. */
async function finish(site, findings, suffix = '') {
  const reports = [await site.report(0)]
  for (let round = 1; failedObjects(reports.at(-1)) > 0 && round <= RETRY_ROUNDS; round++) {
    findings.count(`objects that failed, round ${round}${suffix}`, failedObjects(reports.at(-1)))
    await endAsExpected(site.retryFailed(round).command, `round ${round}`)
    reports.push(await site.report(round))
  }
  for (const { summary } of reports) {
    const { problemCount, problems } = summary
    findings.expect(problemCount === 0, `the report is not complete: ${problems.join(', ')}${suffix}`)
  }
  findings.count(`shards${suffix}`, reports[0].summary.shards)
  const { failures, counts } = await site.check(reports.map(({ path }) => path))
  for (const failure of failures) findings.expect(false, `${failure}${suffix}`)
  for (const [name, count] of Object.entries(counts)) findings.count(`${name}${suffix}`, count)
}

function failedObjects({ summary }) {
  return summary.outcomes.failed?.objects ?? 0
}

/** Waits for the end of a process. Objects that failed are reported by it, and no failure here. */
async function endAsExpected(command, who) {
  const { code, stderr, stdout } = await command.ended
  if (code === 0) return
  const { summary } = stdout.startsWith('{') ? JSON.parse(stdout) : {}
  if (summary === undefined || failedObjects({ summary }) === 0)
    throw new Error(`${who} ended with ${code}: ${stderr}${stdout}`)
}

async function endedEarly(command) {
  const { code, stderr } = await command.ended
  throw new Error(`The process ended (${code}) before it was to be killed: ${stderr}`)
}

function secondsSince(start) {
  return Math.round((performance.now() - start) / 1000)
}
