import type { Command } from 'commander'
import type { CliEnvironment } from '../../base/cli-environment.ts'
import { addQueueOption, addWorkOptions } from '../../fleet/fleet-options.ts'
import { parseRunId } from '../../fleet/run-id.ts'
import type { WorkerFlags } from '../../fleet/work-on-runs.ts'
import { addKeyOptions } from '../../keys/key-options.ts'

/** Adds `oss-cse fleet worker`. */
export function addFleetWorker(fleet: Command, cli: CliEnvironment): void {
  const command = fleet
    .command('worker')
    .description('work on the runs of a queue in PostgreSQL, on a further machine, until none is left')
  addQueueOption(command.optionsGroup('Run:'), 'required')
    .option('--run <name>', 'only this run (default: all active runs)', parseRunId)
    .option('--wait', 'do not end when no run is left: wait for new ones')
  addWorkOptions(addKeyOptions(command))
    .addHelpText(
      'after',
      `
What to do, bucket, endpoint and region come from the run; --endpoint replaces that of the run, as for an internal one.
Master keys and credentials come from the options and variables of this command. A worker without the keys of a run does
not work on it.

Fields of --json: runs (run, state, completedShards)`,
    )
    .action(async (flags: WorkerFlags) => {
      const { workOnRuns } = await import('../../fleet/work-on-runs.ts')
      await workOnRuns(flags, cli)
    })
}
