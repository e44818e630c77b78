import { type Command, Option } from 'commander'
import type { CliEnvironment } from '../../base/cli-environment.ts'
import { addRewriteOptions, addRunOptions } from '../../fleet/fleet-options.ts'
import { REWRITE_HELP, RUN_HELP, RUN_JSON_HELP } from '../../fleet/run-help.ts'
import type { MigrateFlags } from '../../fleet/start-rewrite.ts'
import { addKeyOptions } from '../../keys/key-options.ts'

/** Adds `oss-cse fleet migrate`. */
export function addFleetMigrate(fleet: Command, cli: CliEnvironment): void {
  const command = fleet
    .command('migrate')
    .description('encrypt all objects that are not encrypted')
    .argument('<url>', 'oss://BUCKET/PREFIX; oss://BUCKET/ means all objects')
    .optionsGroup('Migration:')
    .addOption(
      new Option(
        '--format <format>',
        'how the content is encrypted (default: that of the keyring file, or aes-ctr)',
      ).choices(['aes-ctr', 'sealed']),
    )
  addRunOptions(addKeyOptions(addRewriteOptions(command)))
    .addHelpText(
      'after',
      `
Objects that are encrypted already, under any key, and damaged ones are not written. The encrypting key of the keyring
is used.

${REWRITE_HELP}

${RUN_HELP}
${RUN_JSON_HELP}`,
    )
    .action(async (url: string, flags: MigrateFlags) => {
      const { startMigration } = await import('../../fleet/start-rewrite.ts')
      await startMigration(url, flags, cli)
    })
}
