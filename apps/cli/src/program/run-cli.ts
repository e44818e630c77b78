import { printable } from '@oss-cse/crypto-core/internal'
import { CommanderError } from 'commander'
import type { CliEnvironment } from '../base/cli-environment.ts'
import { refuseMangledArguments } from '../base/utf8-names.ts'
import { EXIT } from '../output/exit-codes.ts'
import { failureOf, originOf, ToldFailure } from '../output/failure.ts'
import { failurePlaces, printFailureJson, printFailureLines } from '../output/report-failure.ts'
import { BrokenPipe } from '../output/stream-writer.ts'
import { withoutPasswords } from '../output/without-passwords.ts'
import { expandMeta } from './expand-meta.ts'
import { createProgram } from './program.ts'

/**
 * Runs one command.
 *
 * @param argv - the arguments after `oss-cse`
 * @returns the exit code; failures are printed on stderr, and as JSON if the arguments ask for it
 */
export async function runCli(argv: readonly string[], cli: CliEnvironment): Promise<number> {
  const places = failurePlaces(argv, cli)
  try {
    refuseMangledArguments(argv)
    const program = await createProgram(cli, { tellsUsage: places.lines, argv })
    await program.parseAsync(expandMeta(argv), { from: 'user' })
    return EXIT.ok
  } catch (thrown) {
    const error = originOf(thrown)
    // The user asked for the help or the version.
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.ok
    if (error instanceof BrokenPipe) return EXIT.ok
    const failure = failureOf(thrown, cli)
    if (places.json && !(thrown instanceof ToldFailure)) printFailureJson(places.json, failure)
    // Commander has already printed its own message.
    if (places.lines && !(error instanceof CommanderError)) printFailureLines(cli, failure)
    if (cli.env['OSS_CSE_DEBUG'] && error instanceof Error && !(error instanceof CommanderError)) {
      cli.stderr.write(`${stacks(error)}\n`)
    }
    return failure.exitCode
  }
}

function stacks(error: Error): string {
  const own = withoutPasswords(error.stack ?? error.message)
    .split('\n')
    .map(printable)
    .join('\n')
  return error.cause instanceof Error ? `${own}\ncaused by ${stacks(error.cause)}` : own
}
