import type { Command } from 'commander'
import type { CliEnvironment } from '../../base/cli-environment.ts'
import { addQueueOption } from '../../fleet/fleet-options.ts'
import type { QueueFlags } from '../../fleet/queue-address.ts'
import { parseRunId } from '../../fleet/run-id.ts'
import { addReportOptions, type ReportFlags } from '../../output/report.ts'

/** The flags of a command that changes the state of a run. */
interface ChangeFlags extends QueueFlags, ReportFlags {}

/** Adds `oss-cse fleet pause`. */
export function addFleetPause(fleet: Command, cli: CliEnvironment): void {
  addChange(
    fleet,
    cli,
    'pause',
    'pause a run: its workers complete the shards that they have, and take no others',
  )
}

/** Adds `oss-cse fleet resume`. */
export function addFleetResume(fleet: Command, cli: CliEnvironment): void {
  addChange(fleet, cli, 'resume', 'resume a paused run; workers continue it')
}

/** Adds `oss-cse fleet cancel`. */
export function addFleetCancel(fleet: Command, cli: CliEnvironment): void {
  addChange(fleet, cli, 'cancel', 'cancel a run: nothing of it is done any more, and it cannot be resumed')
}

function addChange(
  fleet: Command,
  cli: CliEnvironment,
  change: 'pause' | 'resume' | 'cancel',
  description: string,
): void {
  const command = fleet
    .command(change)
    .description(description)
    .argument('<run>', 'name of the run', parseRunId)
  addReportOptions(addQueueOption(command))
    .addHelpText('after', '\nFields of --json: run, state')
    .action(async (run: string, flags: ChangeFlags) => {
      const { changeRun } = await import('../../fleet/change-run.ts')
      await changeRun(change, run, flags, cli)
    })
}
