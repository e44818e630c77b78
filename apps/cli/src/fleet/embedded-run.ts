import { CseError } from '@oss-cse/crypto-core'
import { isOver, type JobQueue, type RunStatus } from '@oss-cse/fleet'
import type { CliEnvironment } from '../base/cli-environment.ts'
import { CliError, usageError } from '../base/cli-error.ts'
import type { FleetDirectory } from './fleet-directory.ts'
import { isWorkedOn, type RunRecord } from './run-record.ts'

/**
 * Opens the queue of an embedded run, which admits one process.
 *
 * @throws CliError of kind `other` when another process has it; CseError `ERR_CSE_QUEUE`
 */
export async function openEmbeddedRun(
  directory: FleetDirectory,
  record: Pick<RunRecord, 'id' | 'pid'>,
  cli: CliEnvironment,
): Promise<JobQueue> {
  try {
    return await cli.openJobQueue({ directory: directory.queuePath(record.id) })
  } catch (error) {
    if (CseError.isInstance(error) && isOfAnother(record)) throw inUse(record, error)
    throw error
  }
}

/** The error of a command for a run that another process works on. */
export function inUse({ id, pid }: Pick<RunRecord, 'id' | 'pid'>, cause?: unknown): CliError {
  return new CliError(
    'other',
    `The process ${pid} works on the run ${id}. Ctrl-C there (or \`kill ${pid}\`) stops it, and the same command continues it.`,
    { cause },
  )
}

/** Whether a process other than this one works on a run. */
export function isOfAnother(record: Pick<RunRecord, 'pid'>): boolean {
  return record.pid !== process.pid && isWorkedOn(record)
}

/** The error for the name of a run that does not exist. */
export function noSuchRun(id: string): CliError {
  return usageError(
    `There is no run ${id}. \`oss-cse fleet status\` lists the runs; those of a database need --queue.`,
  )
}

/** Whether nothing of a run is left to do. Shards that failed can be tried again. */
export function isFinished(run: RunStatus): boolean {
  return run.state !== 'cancelled' && isOver(run) && run.shards.failed === 0
}

/**
 * Returns the record of a run as its queue knows it.
 *
 * @param more - the process that works on it, and whether its report is merged. Default: if nothing of it is left to do
 */
export function recordOf(
  run: RunStatus,
  more: { readonly pid?: number; readonly finished?: boolean } = {},
): RunRecord {
  const { id, command, settings, state, reason, created, plan, shards, totals } = run
  const { pid, finished = isFinished(run) } = more
  const { shards: planned, listedKeys, complete } = plan
  return {
    format: 1,
    id,
    command,
    settings,
    state: finished ? 'finished' : state,
    ...(reason !== undefined && { reason }),
    created: created.toISOString(),
    ...(pid !== undefined && { pid }),
    plan: { shards: planned, listedKeys, complete },
    shards,
    totals,
  }
}
