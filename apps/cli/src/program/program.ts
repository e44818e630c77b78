import { printable } from '@oss-cse/crypto-core/internal'
import { Command } from 'commander'
import type { CliEnvironment } from '../base/cli-environment.ts'
import { EXIT_CODE_HELP } from '../output/exit-codes.ts'
import { withoutPasswords } from '../output/without-passwords.ts'
import { packageVersion } from './version.ts'

/** Adds a command with its options. */
type AddCommand = (program: Command, cli: CliEnvironment) => void

/** The commands, in the order of the help. Each is imported when it is needed. */
const COMMANDS: Readonly<Record<string, () => Promise<AddCommand>>> = {
  keygen: async () => (await import('../commands/keygen.ts')).addKeygen,
  put: async () => (await import('../commands/put.ts')).addPut,
  get: async () => (await import('../commands/get.ts')).addGet,
  cat: async () => (await import('../commands/get.ts')).addCat,
  verify: async () => (await import('../commands/verify.ts')).addVerify,
  stat: async () => (await import('../commands/stat.ts')).addStat,
  ls: async () => (await import('../commands/ls.ts')).addLs,
  rm: async () => (await import('../commands/rm.ts')).addRm,
  cp: async () => (await import('../commands/cp.ts')).addCp,
  mb: async () => (await import('../commands/mb.ts')).addMb,
  cors: async () => (await import('../commands/cors.ts')).addCors,
  uploads: async () => (await import('../commands/uploads.ts')).addUploads,
  encrypt: async () => (await import('../commands/encrypt.ts')).addEncrypt,
  decrypt: async () => (await import('../commands/decrypt.ts')).addDecrypt,
  inspect: async () => (await import('../commands/inspect.ts')).addInspect,
  fleet: async () => (await import('../commands/fleet.ts')).addFleet,
  emulator: async () => (await import('../commands/emulator.ts')).addEmulator,
  demo: async () => (await import('../commands/demo.ts')).addDemo,
}

/**
 * Creates the command line. It throws where commander would end the process.
 *
 * @param options - `tellsUsage`: print what is wrong with the arguments, and what to do; `argv`: if they begin with a
 * command, it is the only one that is added. Absent: all are added
 */
export async function createProgram(
  cli: CliEnvironment,
  options: { readonly tellsUsage: boolean; readonly argv?: readonly string[] },
): Promise<Command> {
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
            withoutPasswords(text)
              .trimEnd()
              .replace(/^error: /, 'oss-cse: ')
              .replaceAll('\n', ' '),
          )}\n`,
        ),
    })
    .showHelpAfterError('(run with --help for usage)')
    .addHelpText('afterAll', `\n${EXIT_CODE_HELP}`)
  const name = options.argv?.[0] ?? ''
  const wanted = Object.entries(COMMANDS).filter(
    ([command]) => !Object.hasOwn(COMMANDS, name) || command === name,
  )
  for (const add of await Promise.all(wanted.map(([, load]) => load()))) add(program, cli)
  return program
}
