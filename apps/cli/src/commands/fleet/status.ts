import type { Command } from 'commander'
import type { CliEnvironment } from '../../base/cli-environment.ts'
import { addQueueOption } from '../../fleet/fleet-options.ts'
import type { QueueFlags } from '../../fleet/queue-address.ts'
import { parseRunId } from '../../fleet/run-id.ts'
import { addReportOptions, type ReportFlags } from '../../output/report.ts'

/** Adds `oss-cse fleet status`. */
export function addFleetStatus(fleet: Command, cli: CliEnvironment): void {
  const command = fleet
    .command('status')
    .description('list all runs, or show one; also while another process works on it')
    .argument('[run]', 'name of the run', parseRunId)
  addReportOptions(addQueueOption(command))
    .addHelpText(
      'after',
      `
Fields of --json: runs; of each run, and with RUN of this one alone: run, command, bucket, prefix, state, reason, created,
pid (of the process that works on an embedded run), listedKeys, planned, shards (waiting, taken, completed, failed), totals,
report (place)`,
    )
    .action(async (run: string | undefined, flags: QueueFlags & ReportFlags) => {
      const { showStatus } = await import('../../fleet/show-status.ts')
      await showStatus(run, flags, cli)
    })
}
