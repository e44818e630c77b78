import { type Command, Option } from 'commander'
import type { CliEnvironment } from '../../base/cli-environment.ts'
import { addQueueOption } from '../../fleet/fleet-options.ts'
import type { ReportRunFlags } from '../../fleet/report-run.ts'
import { parseRunId } from '../../fleet/run-id.ts'
import { addReportOptions } from '../../output/report.ts'
import { addServerOptions } from '../../server/server-options.ts'

/** Adds `oss-cse fleet report`. */
export function addFleetReport(fleet: Command, cli: CliEnvironment): void {
  const command = fleet
    .command('report')
    .description('merge the report of a run again, and show its summary and where its files are')
    .argument('<run>', 'name of the run', parseRunId)
    .addOption(new Option('--csv', 'write the merged rows as CSV').conflicts('jsonl'))
    .option('--jsonl', 'write the merged rows as lines of JSON')
    .option('-o, --out <file>', 'file for the rows of --csv or --jsonl (default: stdout)')
  addReportOptions(addServerOptions(addQueueOption(command)))
    .addHelpText(
      'after',
      '\nThe server options are for a report in a bucket.\nA report that is not complete, such as that of a run that is cancelled or not over, is exit code 1.\nFields of --json: run, state, report (place, files), summary',
    )
    .action(async (run: string, flags: ReportRunFlags) => {
      const { reportRun } = await import('../../fleet/report-run.ts')
      await reportRun(run, flags, cli)
    })
}
