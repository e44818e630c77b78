import type { Keyring, ObjectCatalog } from '@oss-cse/crypto-core'
import { printable } from '@oss-cse/crypto-core/internal'
import {
  checkInventory,
  type FleetCommand,
  type JobQueue,
  type RunStatus,
  shardObjects,
} from '@oss-cse/fleet'
import type { CliEnvironment } from '../base/cli-environment.ts'
import { usageError } from '../base/cli-error.ts'
import { writeChunk } from '../output/stream-writer.ts'
import { TransferFailure } from '../output/transfer-failure.ts'
import { formatOssUrl, parseObjectUrl, parsePrefixUrl } from '../server/oss-url.ts'
import { serverConfig } from '../server/server-options.ts'
import { inUse, isFinished, isOfAnother, openEmbeddedRun, recordOf } from './embedded-run.ts'
import { failedOutcomes } from './failed-outcomes.ts'
import { findRun } from './find-run.ts'
import { finishRun, stoppedEarly } from './finish-run.ts'
import { type FleetDirectory, fleetDirectory } from './fleet-directory.ts'
import type { RunFlags } from './fleet-options.ts'
import { keyName } from './key-names.ts'
import { queueAddress } from './queue-address.ts'
import {
  missingRedactionSecret,
  namedRedactionSecret,
  ownRedactionSecret,
  secretCheck,
} from './redaction-secret.ts'
import { openReport, reportSetting } from './report-place.ts'
import { addRetryPlan, type RetryPlan, retryPlan } from './retry-plan.ts'
import { newRunId } from './run-id.ts'
import { runInventory } from './run-inventory.ts'
import type { RunRecord } from './run-record.ts'
import { runServer } from './run-server.ts'
import { type FleetSettings, parseRunSettings } from './run-settings.ts'
import { type OpenRun, workOnRun } from './work-on-run.ts'

/** A run that the user asks for. */
export interface AskedRun {
  readonly command: FleetCommand
  readonly url: string
  readonly flags: RunFlags
  /** The settings that only this command has. */
  readonly own: Partial<FleetSettings>
  /** The master keys, of a command that needs them. */
  readonly keyring?: Keyring | undefined
}

/** Starts a run or continues it, works on it until it is over, and prints its summary. */
export async function startRun(asked: AskedRun, cli: CliEnvironment): Promise<void> {
  const address = queueAddress(asked.flags, cli)
  const settings = settingsOf(asked, address !== undefined, cli)
  // An endpoint that is not valid is reported before anything is stored.
  await cli.openTransport(runServer(settings, asked.flags, cli), settings.bucket)
  if (address === undefined) await startEmbedded(asked, settings, cli)
  else await startShared(asked, settings, address, cli)
}

/** Returns the settings of a run, without those that are computed. */
function settingsOf(
  { command, url, flags, own, keyring }: AskedRun,
  shared: boolean,
  cli: CliEnvironment,
): FleetSettings {
  const { bucket, key: prefix } = parsePrefixUrl(url, `${command} everything`)
  const { endpoint, region, addressing, signature } = serverConfig(flags, cli)
  const { report, inventory, limit, redactKeys, retryFailed } = flags
  if (shared && report === undefined) {
    throw usageError(
      '--queue requires --report: the machines share no disk. Give a prefix that all of them can write, such as oss://BUCKET/PREFIX/.',
    )
  }
  return {
    format: 1,
    bucket,
    prefix,
    server: {
      region,
      ...(endpoint !== undefined && { endpoint }),
      ...(addressing !== undefined && { addressing }),
      ...(signature !== undefined && { signature }),
    },
    ...(report !== undefined && { report: reportSetting(report, { bucket, key: prefix }) }),
    ...(redactKeys && { redactKeys: redactionSetting(shared, cli) }),
    ...(inventory !== undefined && { inventory: formatOssUrl(parseObjectUrl(inventory)) }),
    ...(limit !== undefined && { limit }),
    ...(retryFailed !== undefined && { retryOf: retryFailed }),
    ...(keyring !== undefined && { keys: keyring.providers.map(keyName) }),
    ...own,
  }
}

function redactionSetting(shared: boolean, cli: CliEnvironment): string {
  const secret = namedRedactionSecret(cli)
  if (secret !== undefined) return secretCheck(secret)
  if (shared) throw missingRedactionSecret()
  return 'own'
}

async function startEmbedded(asked: AskedRun, settings: FleetSettings, cli: CliEnvironment): Promise<void> {
  const { command, flags, keyring } = asked
  const directory = fleetDirectory(cli)
  const records = await directory.list()
  const wanted = { command, settings }
  const known = findRun(
    records.filter(({ state }) => state !== 'finished' && state !== 'cancelled'),
    wanted,
    flags.run,
  )
  if (known !== undefined && isOfAnother(known)) throw inUse(known)
  const taken = records.find(({ id }) => id === flags.run)
  if (known === undefined && taken !== undefined) throw nameTaken(taken.id)
  const record = known ?? (await begin(asked, settings, directory, records, cli))
  const run = parseRunSettings(record.id, record.settings)
  const queue = await openEmbeddedRun(directory, record, cli).catch(async (error: unknown) => {
    // Nothing has happened: the directory of a run that never began is removed.
    if (known === undefined) await directory.remove(record.id)
    throw error
  })
  const { pid } = process
  let last = ''
  const keep = async (status: RunStatus, more: { readonly finished?: boolean; readonly pid?: number }) => {
    const next = recordOf(status, more)
    const text = JSON.stringify(next)
    if (text === last) return
    await directory.write(next)
    last = text
  }
  let ended: EndedRun | undefined
  try {
    await queue.createRun({ id: record.id, command, settings: { ...run } })
    await tell(cli, flags, known === undefined ? `Run ${record.id}.` : `Continuing the run ${record.id}.`)
    const redaction =
      run.redactKeys === undefined
        ? undefined
        : (namedRedactionSecret(cli) ?? (await ownRedactionSecret(directory.runPath(record.id))))
    const opened: OpenRun = { id: record.id, command, settings: run, queue, directory, redaction, keyring }
    ended = await completeRun(opened, asked, cli, (status) => keep(status, { pid, finished: false }))
  } finally {
    const status = await queue.getRun(record.id).catch(() => undefined)
    const finished = ended?.finished === true
    if (status !== undefined) await keep(status, { finished }).catch(() => {})
    await queue.close()
    if (finished) await directory.removeQueue(record.id).catch(() => {})
  }
  if (ended.failure !== undefined) throw ended.failure
}

/** Creates the directory of a new run, which no other process gets, and its first record. */
async function begin(
  { command, flags }: AskedRun,
  settings: FleetSettings,
  directory: FleetDirectory,
  records: readonly RunRecord[],
  cli: CliEnvironment,
): Promise<RunRecord> {
  const stored = { ...(await computed(settings, { directory }, flags, cli)) }
  const taken = new Set(records.map(({ id }) => id))
  const created = new Date()
  let id = flags.run ?? newRunId(command, settings.bucket, created, taken)
  while (!(await directory.claim(id))) {
    if (flags.run !== undefined) throw nameTaken(id)
    taken.add(id)
    id = newRunId(command, settings.bucket, created, taken)
  }
  const record: RunRecord = {
    format: 1,
    id,
    command,
    settings: stored,
    state: 'active',
    created: created.toISOString(),
    pid: process.pid,
    plan: { shards: 0, listedKeys: 0, complete: false },
    shards: { waiting: 0, taken: 0, completed: 0, failed: 0 },
    totals: {},
  }
  await directory.write(record)
  return record
}

async function startShared(
  asked: AskedRun,
  settings: FleetSettings,
  address: string,
  cli: CliEnvironment,
): Promise<void> {
  const { command, flags, keyring } = asked
  const queue = await cli.openJobQueue({ address })
  try {
    const runs = await queue.listRuns()
    const wanted = { command, settings }
    const known = findRun(
      runs.filter((run) => run.state !== 'cancelled' && !isFinished(run)),
      wanted,
      flags.run,
    )
    if (known === undefined && runs.some(({ id }) => id === flags.run)) throw nameTaken(flags.run ?? '')
    const taken = new Set(runs.map(({ id }) => id))
    const id = known?.id ?? flags.run ?? newRunId(command, settings.bucket, new Date(), taken)
    const run =
      known === undefined
        ? await computed(settings, { queue }, flags, cli)
        : parseRunSettings(id, known.settings)
    await queue.createRun({ id, command, settings: { ...run } })
    await tell(cli, flags, known === undefined ? `Run ${id}.` : `Continuing the run ${id}.`)
    const redaction = run.redactKeys === undefined ? undefined : namedRedactionSecret(cli)
    const opened: OpenRun = { id, command, settings: run, queue, redaction, keyring }
    const { failure } = await completeRun(opened, asked, cli)
    if (failure !== undefined) throw failure
  } finally {
    await queue.close()
  }
}

/** A run that is over, and whose report is merged. */
interface EndedRun {
  /** Whether nothing of it is left to do. Shards that failed are. */
  readonly finished: boolean
  /** The error to throw, if objects or the report are not what they should be. */
  readonly failure: unknown
}

/** Works on a run until it is over, merges its report, and prints the summary. */
async function completeRun(
  run: OpenRun,
  { flags }: AskedRun,
  cli: CliEnvironment,
  onStatus?: (status: RunStatus) => Promise<void>,
): Promise<EndedRun> {
  const { queue, id, settings } = run
  const before = await queue.getRun(id)
  if (before.state === 'paused') await queue.resume(id)
  if (before.shards.failed > 0) await queue.retryFailed(id)
  if (settings.retryOf !== undefined && !before.plan.complete) {
    await addRetryPlan(queue, id, await planOfRetry(settings, settings.retryOf, run, flags, cli))
  }
  let worked: Awaited<ReturnType<typeof workOnRun>>
  try {
    worked = await workOnRun(run, { flags, onStatus }, cli)
  } catch (error) {
    throw cli.signal.aborted ? new TransferFailure(error, 'Run the same command again to continue.') : error
  }
  const early = stoppedEarly(worked.status)
  if (early !== undefined) throw early
  const failure = await finishRun(run, worked, flags, cli)
  return { finished: worked.status.shards.failed === 0, failure }
}

/** Where the runs are: in directories, or in a database. */
interface Runs {
  readonly directory?: FleetDirectory | undefined
  readonly queue?: JobQueue | undefined
}

/** Adds the settings that are computed once, when a run begins. Refuses an inventory by which it cannot be planned. */
async function computed(
  settings: FleetSettings,
  runs: Runs,
  flags: RunFlags,
  cli: CliEnvironment,
): Promise<FleetSettings> {
  const { limit, retryOf } = settings
  const inventory = await runInventory(settings, { server: () => runServer(settings, flags, cli) }, cli)
  if (inventory !== undefined) await checkInventory({ ...inventory, signal: cli.signal })
  if (retryOf !== undefined) {
    const { chosen } = await planOfRetry(settings, retryOf, runs, flags, cli)
    return { ...settings, retryShards: [...chosen] }
  }
  if (limit === undefined) return settings
  const catalog = await cli.openTransport(runServer(settings, flags, cli), settings.bucket)
  const lastKey = await keyAt(limit, settings.prefix, catalog, cli.signal)
  return { ...settings, ...(lastKey !== undefined && { lastKey }) }
}

/** Lists keys up to the one at a position, from 1. Returns `undefined` if there are fewer. */
async function keyAt(
  position: number,
  prefix: string,
  catalog: Pick<ObjectCatalog, 'list'>,
  signal: AbortSignal,
): Promise<string | undefined> {
  let count = 0
  for await (const { key } of shardObjects({ index: 0 }, { catalog, prefix, signal })) {
    count++
    if (count === position) return key
  }
  return undefined
}

/** Finds what failed in an earlier run. */
async function planOfRetry(
  settings: FleetSettings,
  retryOf: string,
  { directory, queue }: Runs,
  flags: RunFlags,
  cli: CliEnvironment,
): Promise<RetryPlan> {
  const earlier = directory === undefined ? await sharedRun(queue, retryOf) : await directory.read(retryOf)
  if (earlier === undefined) throw usageError(`There is no run ${retryOf} to retry.`)
  const old = parseRunSettings(retryOf, earlier.settings)
  if (old.bucket !== settings.bucket || old.prefix !== settings.prefix) {
    throw usageError(
      `The run ${retryOf} was about other objects. Give its URL, oss://${old.bucket}/${old.prefix}.`,
    )
  }
  if (!earlier.plan.complete || earlier.shards.failed > 0)
    throw usageError(`The run ${retryOf} is not over. Continue it first.`)
  const server = () => runServer(old, flags, cli)
  const { store } = await openReport({ runId: retryOf, settings: old, directory, server }, cli)
  const failed = failedOutcomes({ command: earlier.command, settings: old })
  return retryPlan(retryOf, store, earlier.plan.shards, failed)
}

async function sharedRun(queue: JobQueue | undefined, id: string): Promise<RunStatus | undefined> {
  return (await queue?.listRuns())?.find((run) => run.id === id)
}

function nameTaken(id: string): Error {
  return usageError(
    `There is a run ${id} already, which is over or has other settings. Give another --run, or the same options to continue it.`,
  )
}

async function tell(cli: CliEnvironment, flags: RunFlags, line: string): Promise<void> {
  if (flags.quiet || flags.json) return
  await writeChunk(cli.stderr, `${printable(line)}\n`, cli.signal)
}
