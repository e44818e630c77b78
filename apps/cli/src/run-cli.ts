import { CseError, type CseErrorCode, TransportError } from '@oss-cse/crypto-core'
import { CommanderError } from 'commander'
import type { CliEnvironment } from './cli-environment.ts'
import { CliError } from './cli-error.ts'
import { EXIT, exitCodeOf } from './exit-codes.ts'
import { expandMeta } from './expand-meta.ts'
import { createProgram } from './program.ts'
import { colours, printable } from './report.ts'
import { BrokenPipe } from './stream-writer.ts'
import { TransferFailure } from './transfer-failure.ts'

/** What helps against a failure of which the library cannot know the options. */
const HINTS: Partial<Record<CseErrorCode, string>> = {
  ERR_CSE_CHECKPOINT: 'Name another directory with --checkpoint-dir, or do without: --no-resume.',
}

/**
 * Runs one command.
 *
 * @param argv - the arguments behind `oss-cse`
 * @returns the exit code; failures are told on stderr
 */
export async function runCli(argv: readonly string[], cli: CliEnvironment): Promise<number> {
  try {
    await createProgram(cli).parseAsync(expandMeta(argv), { from: 'user' })
    return EXIT.ok
  } catch (thrown) {
    const { error, hint } = unwrapped(thrown)
    // Commander has printed its message, or the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
    if (error instanceof BrokenPipe) return EXIT.ok
    if (cli.signal.aborted) {
      printError(cli, ['Interrupted.', hint].filter(Boolean).join(' '))
      return EXIT.interrupted
    }
    printError(cli, errorLine(error))
    if (hint !== undefined) printError(cli, hint)
    if (cli.env['OSS_CSE_DEBUG'] && error instanceof Error) cli.stderr.write(`${stacks(error)}\n`)
    return exitCodeOf(error)
  }
}

/** What went wrong, and what to do next. */
function unwrapped(thrown: unknown): { readonly error: unknown; readonly hint: string | undefined } {
  if (thrown instanceof TransferFailure) return { error: ownCause(thrown.cause), hint: thrown.hint }
  const hint = CseError.isInstance(thrown) ? HINTS[thrown.code] : undefined
  return { error: ownCause(thrown), hint }
}

/** What the command line itself noticed while a library asked it, of credentials for instance, tells more. */
function ownCause(error: unknown): unknown {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof CliError) return cause
  }
  return error
}

function printError(cli: CliEnvironment, line: string): void {
  cli.stderr.write(`${colours(cli).red('oss-cse:')} ${printable(line)}\n`)
}

/** The message, the code, and the service's request id unless the message has it. */
function errorLine(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const message = error.message || error.name
  const cause = CseError.isInstance(error.cause) ? error.cause : undefined
  const coded = CseError.isInstance(error) ? error : cause
  const requestId = TransportError.isInstance(error) ? error.requestId : undefined
  const details = [
    coded?.code,
    requestId !== undefined && !message.includes(requestId) && `request id ${requestId}`,
  ].filter(Boolean)
  return details.length === 0 ? message : `${message} [${details.join(', ')}]`
}

function stacks(error: Error): string {
  const own = error.stack ?? error.message
  return error.cause instanceof Error ? `${own}\ncaused by ${stacks(error.cause)}` : own
}
