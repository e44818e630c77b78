import type { Command } from 'commander'
import type { CliEnvironment } from '../../base/cli-environment.ts'
import { addRunOptions, type RunFlags } from '../../fleet/fleet-options.ts'
import { RUN_HELP, RUN_JSON_HELP } from '../../fleet/run-help.ts'

/** Adds `oss-cse fleet audit`. */
export function addFleetAudit(fleet: Command, cli: CliEnvironment): void {
  const command = fleet
    .command('audit')
    .description(
      'report how each object is encrypted, and under which key; reads no content and needs no key',
    )
    .argument('<url>', 'oss://BUCKET/PREFIX; oss://BUCKET/ means all objects')
  addRunOptions(command)
    .addHelpText('after', `\n${RUN_HELP}\n${RUN_JSON_HELP}`)
    .action(async (url: string, flags: RunFlags) => {
      const { startRun } = await import('../../fleet/start-run.ts')
      await startRun({ command: 'audit', url, flags, own: {} }, cli)
    })
}
