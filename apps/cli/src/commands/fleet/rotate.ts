import { type Command, Option } from 'commander'
import type { CliEnvironment } from '../../base/cli-environment.ts'
import { addRewriteOptions, addRunOptions } from '../../fleet/fleet-options.ts'
import { REWRITE_HELP, RUN_HELP, RUN_JSON_HELP } from '../../fleet/run-help.ts'
import type { RotateFlags } from '../../fleet/start-rewrite.ts'
import { addKeyOptions } from '../../keys/key-options.ts'

/** Adds `oss-cse fleet rotate`. */
export function addFleetRotate(fleet: Command, cli: CliEnvironment): void {
  const command = fleet
    .command('rotate')
    .description('move all objects to another master key')
    .argument('<url>', 'oss://BUCKET/PREFIX; oss://BUCKET/ means all objects')
    .optionsGroup('Rotation:')
    .requiredOption('--to <material>', 'name of the material in the keyring file that objects are moved to')
    .option(
      '--new-content-key',
      'decrypt each object, and encrypt it under a fresh content key: choose it after a key has leaked',
    )
    .addOption(
      new Option(
        '--format <format>',
        'with --new-content-key: how the content is encrypted (default: as it is)',
      ).choices(['aes-ctr', 'sealed']),
    )
  addRunOptions(addKeyOptions(addRewriteOptions(command)))
    .addHelpText(
      'after',
      `
By default, the content key of each object stays, and is wrapped by the new master key; the ciphertext stays as it is. Anyone
who had the old master key may know the content keys: after a leak, use --new-content-key. If the new master key is in KMS,
the content keys are sent to KMS, which encrypts them.

${REWRITE_HELP}

${RUN_HELP}
${RUN_JSON_HELP}`,
    )
    .action(async (url: string, flags: RotateFlags) => {
      const { startRotation } = await import('../../fleet/start-rewrite.ts')
      await startRotation(url, flags, cli)
    })
}
