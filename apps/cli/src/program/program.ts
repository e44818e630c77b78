import { printable } from '@oss-cse/crypto-core/internal'
import { Command } from 'commander'
import type { CliEnvironment } from '../base/cli-environment.ts'
import { addCp } from '../commands/cp.ts'
import { addDecrypt } from '../commands/decrypt.ts'
import { addDemo } from '../commands/demo.ts'
import { addEmulator } from '../commands/emulator.ts'
import { addEncrypt } from '../commands/encrypt.ts'
import { addCat, addGet } from '../commands/get.ts'
import { addInspect } from '../commands/inspect.ts'
import { addKeygen } from '../commands/keygen.ts'
import { addLs } from '../commands/ls.ts'
import { addMb } from '../commands/mb.ts'
import { addPut } from '../commands/put.ts'
import { addRm } from '../commands/rm.ts'
import { addStat } from '../commands/stat.ts'
import { addUploads } from '../commands/uploads.ts'
import { EXIT_CODE_HELP } from '../output/exit-codes.ts'
import { packageVersion } from './version.ts'

/**
 * Creates the command line with every command and option. It throws where commander would end the process.
 *
 * @param options - `tellsUsage`: print what is wrong with the arguments, and what to do
 */
export function createProgram(cli: CliEnvironment, options: { readonly tellsUsage: boolean }): Command {
  const program = new Command('oss-cse')
    .description(
      'Encrypt objects on this machine before they are uploaded to Alibaba Cloud OSS, and decrypt them after the download.',
    )
    .version(packageVersion())
    .exitOverride()
    .configureOutput({
      writeOut: (text) => cli.stdout.write(text),
      writeErr: (text) => options.tellsUsage && cli.stderr.write(text),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
      // One line, even if a quoted argument contains line breaks.
      outputError: (text, write) =>
        write(
          `${printable(
            text
              .trimEnd()
              .replace(/^error: /, 'oss-cse: ')
              .replaceAll('\n', ' '),
          )}\n`,
        ),
    })
    .showHelpAfterError('(run with --help for usage)')
    .addHelpText('afterAll', `\n${EXIT_CODE_HELP}`)
  for (const add of [
    addKeygen,
    addPut,
    addGet,
    addCat,
    addStat,
    addLs,
    addRm,
    addCp,
    addMb,
    addUploads,
    addEncrypt,
    addDecrypt,
    addInspect,
    addEmulator,
    addDemo,
  ]) {
    add(program, cli)
  }
  return program
}
