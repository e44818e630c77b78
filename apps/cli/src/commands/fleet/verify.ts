import type { AcceptedFormats, PlainObjectPolicy } from '@oss-cse/bucket'
import { type Command, Option } from 'commander'
import type { CliEnvironment } from '../../base/cli-environment.ts'
import { addRunOptions, type RunFlags } from '../../fleet/fleet-options.ts'
import { RUN_HELP, RUN_JSON_HELP } from '../../fleet/run-help.ts'
import { addKeyOptions, type KeyFlags, requireKeys } from '../../keys/key-options.ts'
import { addAcceptOption, checkAccepted } from '../../keys/sealing-options.ts'

interface VerifyFlags extends RunFlags, KeyFlags {
  readonly accept?: AcceptedFormats
  readonly onPlainObject?: PlainObjectPolicy
}

/** Adds `oss-cse fleet verify`. */
export function addFleetVerify(fleet: Command, cli: CliEnvironment): void {
  const command = fleet
    .command('verify')
    .description('read all objects to their end and verify them; writes nothing to the bucket')
    .argument('<url>', 'oss://BUCKET/PREFIX; oss://BUCKET/ means all objects')
    .addOption(
      new Option(
        '--on-plain-object <policy>',
        'policy for an object that is not encrypted (default: reject)',
      ).choices(['reject', 'passthrough']),
    )
  addAcceptOption(command, 'sealed: refuse every object that is not sealed (default: any)')
  addRunOptions(addKeyOptions(command))
    .addHelpText(
      'after',
      `
It finds accidents in AES-CTR objects, and any alteration in sealed ones.

${RUN_HELP}
${RUN_JSON_HELP}`,
    )
    .action(async (url: string, flags: VerifyFlags) => {
      const { accept, onPlainObject } = flags
      const { startRun } = await import('../../fleet/start-run.ts')
      const { keyring } = await requireKeys(flags, cli)
      checkAccepted(flags, keyring, onPlainObject)
      const own = {
        ...(accept !== undefined && { accept }),
        ...(onPlainObject !== undefined && { onPlainObject }),
      }
      await startRun({ command: 'verify', url, flags, own, keyring }, cli)
    })
}
