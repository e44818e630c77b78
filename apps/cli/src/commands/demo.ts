import type { Command } from 'commander'
import type { CliEnvironment } from '../base/cli-environment.ts'
import { CliError } from '../base/cli-error.ts'

/** Adds `oss-cse demo`. */
export function addDemo(program: Command, cli: CliEnvironment): void {
  program
    .command('demo')
    .description('show what oss-cse does, against emulators of its own; needs no account')
    .action(async () => {
      const { runDemo } = await import('../demo/run-demo.ts')
      const colour = cli.stdout.isTTY === true && !cli.env['NO_COLOR']
      if (!(await runDemo({ out: cli.stdout, colour })))
        throw new CliError('other', 'The demo failed. See the lines marked ✗.')
    })
}
