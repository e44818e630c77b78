import { startPostgres } from '@oss-cse/postgres-server'
import { Child } from './child.js'
import { Command } from './command.js'
import { makeFleetKeys } from './fleet-keys.js'
import { BUCKETS, PREFIX } from './fleet-objects.js'
import { Workspace } from './workspace.js'

/** More than a machine can do. */
const MAX_QPS = 100_000
const RUN = 'lab'

/**
 * A bucket of many objects, a database for a queue, and the processes of a fleet.
 *
 * @typedef {object} FleetPlan
 * @property {'audit' | 'rotate' | 'migrate'} command
 * @property {readonly string[]} options - of the command
 * @property {number} objects
 * @property {number} seed
 * @property {boolean} versioned
 * @property {number} leaseSeconds
 * @property {boolean} embedded - the queue is in the only process
 * @property {readonly { name: string, moment: string, at: number }[]} disruptions - at: where in the bucket, from 0 to 1
 */
export class FleetSite {
  workspace = new Workspace()
  /** @type {import('@oss-cse/postgres-server').PostgresServer | undefined} */
  postgres
  #plan
  #server
  #account
  #keyring
  /** @type {Command[]} */
  #commands = []
  #messages = []
  #waiting = []

  /** @param {FleetPlan} plan */
  static async open(plan) {
    const site = new FleetSite()
    try {
      await site.#start(plan)
    } catch (error) {
      await site.close()
      throw error
    }
    return site
  }

  async #start(plan) {
    this.#plan = plan
    const keys = this.workspace.path('keys')
    this.#keyring = await makeFleetKeys(keys)
    if (!plan.embedded) this.postgres = await startPostgres()
    this.#server = new Child(new URL('./fleet-server-child.js', import.meta.url), [
      JSON.stringify({ ...plan, keys, workers: 20 }),
    ])
    const { account } = await this.#server.receive()
    this.#account = account
  }

  /** From now on requests fail, and are counted. */
  begin() {
    this.#server.send({ start: true })
    void this.#listen()
  }

  /** Lets the request pass that reached a moment. */
  pass(name) {
    this.#server.send({ pass: name })
  }

  /**
   * Waits until the server says something.
   *
   * @param {'reached' | 'retaken'} what
   * @param {string} name - of a disruption
   * @returns {Promise<{ worker: string, key?: string }>}
   */
  async said(what, name) {
    return this.#message((message) => message[what] === name)
  }

  /** Starts the command of the fleet: it begins the run, or continues it. */
  startRun() {
    return this.#run(RUN)
  }

  /** Starts a further worker. */
  startWorker() {
    return this.#process(['worker', '--run', RUN, ...this.#keys])
  }

  /** Tries again what failed, in a run of its own. @param {number} round - 1 after the run itself, and so on */
  retryFailed(round) {
    return this.#run(nameOfRound(round), ['--retry-failed', nameOfRound(round - 1)])
  }

  /**
   * Merges a report again.
   *
   * @param {number} round - 0 for the run itself
   * @returns {Promise<{ path: string, summary: import('@oss-cse/fleet').ReportSummary }>}
   */
  async report(round) {
    const path = this.workspace.path(`rows-${round}.jsonl`)
    const { command } = this.#command(['report', nameOfRound(round), '--jsonl', '--out', path, '--json'])
    const { stdout, stderr } = await command.ended
    const { summary } = stdout === '' ? {} : JSON.parse(stdout)
    if (summary === undefined) throw new Error(`There is no report: ${stderr}`)
    return { path, summary }
  }

  /**
   * Holds reports and the bucket against what was stored.
   *
   * @param {readonly string[]} rows - the paths of the report of the run, and of those in which failures were tried again
   * @returns {Promise<{ failures: string[], counts: Record<string, number> }>}
   */
  check(rows) {
    this.#server.send({ check: { command: this.#plan.command, rows } })
    return this.#message((message) => 'failures' in message)
  }

  /** Ends everything, also processes that still work. */
  async close() {
    await Promise.all(this.#commands.map((command) => command.kill()))
    await this.#server?.stop()
    await this.postgres?.remove()
    this.workspace.close()
  }

  #run(name, more = []) {
    const { command, options, embedded } = this.#plan
    const report = embedded ? [] : ['--report', `oss://${BUCKETS.reports}/`]
    const url = `oss://${BUCKETS.objects}/${PREFIX}`
    return this.#process([command, url, '--run', name, ...report, ...options, ...more, ...this.#keys])
  }

  get #keys() {
    return this.#plan.command === 'audit' ? [] : ['--keyring', this.#keyring]
  }

  #process(args) {
    return this.#command([
      ...args,
      '--max-qps',
      String(MAX_QPS),
      '--parallel',
      '8',
      '--no-progress',
      '--json',
    ])
  }

  /** @returns {{ command: Command, worker: string }} */
  #command(args) {
    const worker = `worker-${this.#commands.length}`
    const { endpoint, region, accessKeyId, accessKeySecret } = this.#account
    const command = new Command(['fleet', ...args], {
      env: {
        OSS_ENDPOINT: endpoint,
        OSS_REGION: region,
        OSS_ACCESS_KEY_ID: accessKeyId,
        OSS_ACCESS_KEY_SECRET: accessKeySecret,
        OSS_SESSION_TOKEN: worker,
        OSS_CSE_FLEET_DIR: this.workspace.path('runs'),
        ...(this.postgres && { OSS_CSE_FLEET_QUEUE: this.postgres.connectionString }),
        LEASE_SECONDS: String(this.#plan.leaseSeconds),
        NODE_OPTIONS: `--import=${new URL('./short-lease.js', import.meta.url)}`,
      },
      reports: true,
    })
    this.#commands.push(command)
    return { command, worker }
  }

  async #listen() {
    for (;;) {
      const message = await this.#server.receive().catch((error) => ({ error }))
      this.#messages.push(message)
      for (const look of this.#waiting.splice(0)) look()
      if (message.error !== undefined) return
    }
  }

  /** The first message that fits, which is taken out. */
  async #message(fits) {
    for (;;) {
      const error = this.#messages.find((message) => message.error !== undefined)?.error
      if (error !== undefined) throw error
      const index = this.#messages.findIndex(fits)
      if (index >= 0) return this.#messages.splice(index, 1)[0]
      await new Promise((resolve) => this.#waiting.push(resolve))
    }
  }
}

function nameOfRound(round) {
  return round === 0 ? RUN : `${RUN}-${round}`
}
