import { setTimeout as delay } from 'node:timers/promises'
import type { Keyring } from '@oss-cse/crypto-core'
import {
  type FleetCommand,
  type JobQueue,
  type RunStatus,
  runWorker,
  TokenBucketThrottle,
  throttledTransport,
  type WorkerEvent,
  writePart,
} from '@oss-cse/fleet'
import type { CliEnvironment, CliTransport } from '../base/cli-environment.ts'
import { CliError } from '../base/cli-error.ts'
import { failureOf } from '../output/failure.ts'
import { showsProgress } from '../output/progress-bar.ts'
import { warningLine } from '../output/report.ts'
import { failureText } from '../output/report-failure.ts'
import { queueAwayText } from './ask-patiently.ts'
import type { FleetDirectory } from './fleet-directory.ts'
import { DEFAULT_MAX_QPS, DEFAULT_PARALLEL, type WorkFlags } from './fleet-options.ts'
import { startFleetProgress } from './fleet-progress.ts'
import { catalogUpTo } from './limited-catalog.ts'
import { openReport, type RunReport } from './report-place.ts'
import { runInventory } from './run-inventory.ts'
import { runServer } from './run-server.ts'
import type { FleetSettings } from './run-settings.ts'
import { shardRows, temporaryPrefix } from './shard-rows.ts'

/** How often the state of a run is shown, and stored for other processes, in milliseconds. */
const FOLLOW_MS = 1000
/** A shard of a command that reads content has at most this many bytes, so that the shards take a similar time. */
const MAX_SHARD_BYTES = 1024 ** 3
/** From this many objects at a time on, two shards are worked on, so that the end of one does not leave the process idle. */
const TWO_SHARDS_PARALLEL = 4

/** A run that this process works on. */
export interface OpenRun {
  readonly id: string
  readonly command: FleetCommand
  readonly settings: FleetSettings
  readonly queue: JobQueue
  /** Where embedded runs are. Absent for a run in a database. */
  readonly directory?: FleetDirectory | undefined
  /** The secret of redacted keys. */
  readonly redaction?: Uint8Array | undefined
  readonly keyring?: Keyring | undefined
}

/** How a process works on a run. */
export interface RunWork {
  readonly flags: WorkFlags
  /** Receives the state of the run about once in a second. */
  readonly onStatus?: ((status: RunStatus) => Promise<void>) | undefined
}

/** What a process did, and what became of the run. */
export interface WorkedRun {
  readonly status: RunStatus
  readonly report: RunReport
  /** The shards that this process completed. */
  readonly completedShards: number
}

/**
 * Plans a run and works on it, until it is over, paused or interrupted.
 *
 * @throws CliError and CseError of the planner and the queue; the signal's reason
 */
export async function workOnRun(run: OpenRun, work: RunWork, cli: CliEnvironment): Promise<WorkedRun> {
  const { id, command, settings, queue, directory, redaction, keyring } = run
  const { flags, onStatus } = work
  const { maxQps = DEFAULT_MAX_QPS, maxRate, parallel = DEFAULT_PARALLEL } = flags
  const throttle = new TokenBucketThrottle({ requestsPerSecond: maxQps, bytesPerSecond: maxRate })
  const limited = (transport: CliTransport) => throttledTransport(transport, throttle)
  const server = () => runServer(settings, flags, cli)
  const transport = limited(await cli.openTransport(server(), settings.bucket))
  const catalog = settings.lastKey === undefined ? transport : catalogUpTo(transport, settings.lastKey)
  const report = await openReport({ runId: id, settings, directory, server, limited }, cli)
  const shardsAtOnce = parallel >= TWO_SHARDS_PARALLEL ? 2 : 1
  const { place } = settings
  const into = place?.mode === 'into' ? limited(await cli.openTransport(server(), place.bucket)) : undefined
  const rows = shardRows(command, {
    runId: id,
    settings,
    into,
    intents: report.store,
    transport,
    catalog,
    keyring,
    parallel: Math.ceil(parallel / shardsAtOnce),
  })
  const chosen = settings.retryShards && new Set(settings.retryShards)
  const progress = await startFleetProgress(cli, flags, id)
  const inventory = await runInventory(settings, { server, limited }, cli)
  const plan = {
    ...(inventory ?? { catalog }),
    prefix: settings.prefix,
    ...(place?.mode === 'unversioned' && { temporaryPrefix: temporaryPrefix(id) }),
    ...(command !== 'audit' && { maxBytes: MAX_SHARD_BYTES }),
  }
  let completedShards = 0
  let queueIsAway = false
  const onEvent = (event: WorkerEvent): void => {
    if (event.type === 'shard-completed') completedShards++
    progress.onEvent(event)
    // Each call that waits for the queue tells of it, and there are several.
    const isKnown = queueIsAway && event.type === 'queue-away'
    if (event.type === 'queue-away') queueIsAway = true
    if (event.type === 'shard-taken' || event.type === 'shard-completed') queueIsAway = false
    const text = isKnown ? undefined : warningOf(event, cli)
    if (text !== undefined) progress.print(warningLine(cli, text))
  }
  const stop = new AbortController()
  // Without a reader, the database is not asked.
  const isFollowed = onStatus !== undefined || showsProgress(cli, flags)
  const following = isFollowed
    ? follow(stop.signal, async () => {
        const status = await queue.getRun(id)
        progress.onStatus(status)
        await onStatus?.(status)
      })
    : undefined
  try {
    const status = await runWorker({
      queue,
      runId: id,
      parallel: shardsAtOnce,
      // The shards of a retry are planned by the command that starts it.
      ...(chosen === undefined && { plan }),
      // The command says why it is paused, and ends.
      whenPaused: 'return',
      signal: cli.signal,
      onEvent,
      async doShard(shard, { signal, attempt, record }) {
        const wanted = chosen === undefined || chosen.has(shard.index)
        let unsettled = 0
        const totals = await writePart(report.store, shard, wanted ? rows(shard, signal) : noRows(), {
          attempt,
          redactKeys: redaction,
          signal,
          onRow(row) {
            record(row.code)
            progress.onObject(shard)
            if (row.unsettled) unsettled++
          },
        })
        // Only another attempt in this run finds out what those writes left, and puts it in order.
        if (unsettled > 0) throw unsettledWrites(unsettled)
        return totals
      },
    })
    return { status, report, completedShards }
  } finally {
    stop.abort()
    await following
    progress.stop()
  }
}

/** Does something about once in a second. What fails is tried again the next time. */
async function follow(signal: AbortSignal, look: () => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    await look().catch(() => {})
    await delay(FOLLOW_MS, undefined, { signal, ref: false }).catch(() => {})
  }
}

function unsettledWrites(count: number): CliError {
  return new CliError(
    'other',
    `It is not known what the last write left at ${count} of its objects, because the check failed too.`,
  )
}

async function* noRows(): AsyncGenerator<never, void, undefined> {}

/** What a person should know at once. */
function warningOf(event: WorkerEvent, cli: CliEnvironment): string | undefined {
  switch (event.type) {
    case 'shard-failed':
      return `Shard ${event.shard.index} failed: ${failureText(failureOf(event.error, cli))}`
    case 'lease-lost':
      return `Shard ${event.shard.index} was taken by another worker, because this one did not respond in time.`
    case 'queue-away':
      return queueAwayText(event.error, cli)
    default:
      return undefined
  }
}
