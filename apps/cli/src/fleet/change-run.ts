import { CseError } from '@oss-cse/crypto-core'
import type { JobQueue, RunStatus } from '@oss-cse/fleet'
import type { CliEnvironment } from '../base/cli-environment.ts'
import { usageError } from '../base/cli-error.ts'
import { type ReportFlags, reportDone } from '../output/report.ts'
import { inUse, isOfAnother, noSuchRun, openEmbeddedRun, recordOf } from './embedded-run.ts'
import { fleetDirectory } from './fleet-directory.ts'
import { type QueueFlags, queueAddress } from './queue-address.ts'

/** What a command does to a run. */
type Change = 'pause' | 'resume' | 'cancel'

/** What a person reads afterwards. */
const DONE: Readonly<Record<Change, string>> = {
  pause: 'is paused. Its workers complete the shards that they have.',
  resume: 'is active. The command that started it, or a worker, continues it.',
  cancel: 'is cancelled.',
}

/** Pauses, resumes or cancels a run. */
export async function changeRun(
  change: Change,
  id: string,
  flags: QueueFlags & ReportFlags,
  cli: CliEnvironment,
): Promise<void> {
  const address = queueAddress(flags, cli)
  const { state } =
    address === undefined
      ? await changeEmbedded(change, id, cli)
      : await changeShared(change, id, address, cli)
  await reportDone(cli, flags, { run: id, state }, `The run ${id} ${DONE[change]}`)
}

async function changeEmbedded(change: Change, id: string, cli: CliEnvironment): Promise<RunStatus> {
  const directory = fleetDirectory(cli)
  const record = await directory.read(id)
  if (record === undefined) throw noSuchRun(id)
  if (record.state === 'finished') throw usageError(`The run ${id} is finished.`)
  if (isOfAnother(record)) throw inUse(record)
  const queue = await openEmbeddedRun(directory, record, cli)
  try {
    const status = await changed(change, id, queue)
    await directory.write(recordOf(status, { finished: false }))
    return status
  } finally {
    await queue.close()
  }
}

async function changeShared(
  change: Change,
  id: string,
  address: string,
  cli: CliEnvironment,
): Promise<RunStatus> {
  const queue = await cli.openJobQueue({ address })
  try {
    return await changed(change, id, queue)
  } finally {
    await queue.close()
  }
}

async function changed(change: Change, id: string, queue: JobQueue): Promise<RunStatus> {
  if (!(await queue.listRuns()).some((run) => run.id === id)) throw noSuchRun(id)
  try {
    await queue[change](id)
  } catch (error) {
    // Of a run that exists, only a change of a cancelled one is refused.
    if (!CseError.isInstance(error) || error.code !== 'ERR_CSE_INVALID_ARGUMENT') throw error
    throw usageError(`The run ${id} is cancelled, and stays so.`)
  }
  return queue.getRun(id)
}
