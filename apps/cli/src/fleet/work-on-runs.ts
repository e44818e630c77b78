import type { Keyring } from '@oss-cse/crypto-core'
import { isOver, type JobQueue, type RunStatus } from '@oss-cse/fleet'
import type { CliEnvironment } from '../base/cli-environment.ts'
import { configurationError, usageError } from '../base/cli-error.ts'
import { type KeyFlags, type LoadedKeys, loadKeys } from '../keys/key-options.ts'
import { counted } from '../output/counted.ts'
import { failureOf, ToldFailure } from '../output/failure.ts'
import { reportDone, warn } from '../output/report.ts'
import { failureText } from '../output/report-failure.ts'
import { askPatiently } from './ask-patiently.ts'
import { noSuchRun, recordOf } from './embedded-run.ts'
import { stoppedEarly } from './finish-run.ts'
import type { WorkFlags } from './fleet-options.ts'
import { checkKeys, namedKey } from './key-names.ts'
import { QUEUE_VARIABLE, queueAddress } from './queue-address.ts'
import { missingRedactionSecret, namedRedactionSecret, secretCheck } from './redaction-secret.ts'
import { type FleetSettings, parseRunSettings } from './run-settings.ts'
import { waitForRuns } from './wait-for-runs.ts'
import { type OpenRun, workOnRun } from './work-on-run.ts'

/** The flags of `oss-cse fleet worker`. */
export interface WorkerFlags extends WorkFlags, KeyFlags {
  readonly run?: string
  readonly wait?: boolean
}

/** What a worker did for one run. */
interface Done {
  readonly run: string
  readonly state: string
  readonly completedShards: number
}

/** Works on the runs of a queue until none is left. */
export async function workOnRuns(flags: WorkerFlags, cli: CliEnvironment): Promise<void> {
  const address = queueAddress(flags, cli)
  if (address === undefined) {
    throw usageError(`A worker needs the queue of the run: --queue, or ${QUEUE_VARIABLE}.`)
  }
  const keys = await loadKeys(flags, cli)
  const queue = await cli.openJobQueue({ address })
  try {
    if (flags.run !== undefined && !(await queue.listRuns()).some(({ id }) => id === flags.run)) {
      throw noSuchRun(flags.run)
    }
    const { done, failure } = await workUntilNoneIsLeft(queue, keys, flags, cli)
    const shards = done.reduce((sum, { completedShards }) => sum + completedShards, 0)
    await reportDone(
      cli,
      flags,
      { runs: done },
      `Completed ${counted(shards, 'shard')} of ${counted(done.length, 'run')}.`,
    )
    if (failure !== undefined) throw flags.json ? new ToldFailure(failure) : failure
  } finally {
    await queue.close()
  }
}

async function workUntilNoneIsLeft(
  queue: JobQueue,
  keys: LoadedKeys | undefined,
  flags: WorkerFlags,
  cli: CliEnvironment,
): Promise<{ readonly done: readonly Done[]; readonly failure: unknown }> {
  const done = new Map<string, Done>()
  /** Runs that this worker cannot work on, or that are paused. */
  const refused = new Map<string, unknown>()
  for (;;) {
    const runs = (await askPatiently(() => queue.listRuns(), cli)).filter(
      (run) => !isOver(run) && (flags.run === undefined || run.id === flags.run),
    )
    // The oldest first. A paused run may be active again by now.
    const next = runs.toReversed().find((run) => run.state === 'active' && !refused.has(run.id))
    if (next !== undefined) {
      try {
        const run = openRun(next, queue, keys, cli)
        const worked = await askPatiently(() => workOnRun(run, { flags }, cli), cli)
        const { completedShards } = worked
        const before = done.get(next.id)?.completedShards ?? 0
        const { state } = recordOf(worked.status)
        done.set(next.id, { run: next.id, state, completedShards: before + completedShards })
      } catch (error) {
        cli.signal.throwIfAborted()
        warn(cli, failureText(failureOf(error, cli)))
        refused.set(next.id, error)
      }
      continue
    }
    if (!flags.wait) {
      const [refusal] = refused.values()
      const paused = runs.find((run) => run.state === 'paused')
      return { done: [...done.values()], failure: refusal ?? (paused && stoppedEarly(paused)) }
    }
    await waitForRuns(queue, runs, cli.signal)
  }
}

/** @throws CliError of kind `configuration` when this worker lacks what the run needs */
function openRun(
  { id, command, settings: stored }: RunStatus,
  queue: JobQueue,
  keys: LoadedKeys | undefined,
  cli: CliEnvironment,
): OpenRun {
  const settings = parseRunSettings(id, stored)
  checkKeys(id, settings.keys, keys?.keyring)
  const keyring = keys && withTarget(keys, settings)
  const redaction = settings.redactKeys === undefined ? undefined : namedRedactionSecret(cli)
  if (settings.redactKeys !== undefined) {
    if (redaction === undefined) throw missingRedactionSecret()
    if (secretCheck(redaction) !== settings.redactKeys) {
      throw configurationError(`The run ${id} hides keys with another secret than this worker has.`)
    }
  }
  return { id, command, settings, queue, redaction, keyring }
}

/** The same keys, of which the target of the run encrypts. It is one of them, as all keys of the run are. */
function withTarget({ keyring, encryptingWith }: LoadedKeys, { target }: FleetSettings): Keyring {
  const provider = target && namedKey(keyring, target)
  return provider === undefined || provider === keyring.encrypting
    ? keyring
    : (encryptingWith?.(provider) ?? keyring)
}
