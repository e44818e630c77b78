import { printable, printableJson } from '@oss-cse/crypto-core'
import type { CliEnvironment, CliOutput } from '../base/cli-environment.ts'
import type { Failure } from './failure.ts'
import { colours } from './report.ts'

/** Tells whether stdout would carry an object's bytes. */
function dataOnStdout(argv: readonly string[]): boolean {
  const options = optionsOf(argv)
  switch (argv[0]) {
    case 'cat':
      return true
    case 'get':
      return argv.includes('-')
    case 'encrypt':
    case 'decrypt':
      return options.some(
        (option, i) =>
          option === '-o-' ||
          option === '--output=-' ||
          (/^(?:-o|--output)$/.test(option) && options[i + 1] === '-'),
      )
    default:
      return false
  }
}

function optionsOf(argv: readonly string[]): readonly string[] {
  const end = argv.indexOf('--')
  return end === -1 ? argv : argv.slice(0, end)
}

/** The JSON of a failure: one line. */
export function failureJson({ code, message, hint, exitCode: _exitCode, ...details }: Failure): string {
  return printableJson({ code, message: hint === undefined ? message : `${message} ${hint}`, ...details })
}

/** Where a run tells of its failure. */
export interface FailurePlaces {
  /** Where one line of JSON goes, if anywhere: where the command's result would go. */
  readonly json: CliOutput | undefined
  /** Whether stderr gets lines for a person: not where the JSON goes there. */
  readonly lines: boolean
}

/** Finds out from the arguments where a failure is told. They are looked at as they are: they may be what is wrong. */
export function failurePlaces(argv: readonly string[], cli: CliEnvironment): FailurePlaces {
  if (!optionsOf(argv).includes('--json')) return { json: undefined, lines: true }
  const onStderr = dataOnStdout(argv)
  return { json: onStderr ? cli.stderr : cli.stdout, lines: !onStderr }
}

/** Prints a failure as one JSON object. It is not waited for: an interrupt must end a command that nobody reads too. */
export function printFailureJson(stream: CliOutput, failure: Failure): void {
  stream.write(`{"error":${failureJson(failure)}}\n`)
}

/** Prints a failure as lines for a person. */
export function printFailureLines(cli: CliEnvironment, failure: Failure): void {
  printLine(cli, withDetails(failure))
  if (failure.hint !== undefined) printLine(cli, failure.hint)
}

function printLine(cli: CliEnvironment, line: string): void {
  cli.stderr.write(`${colours(cli).red('oss-cse:')} ${printable(line)}\n`)
}

/** The message, a library's code, and the service's request id unless the message has it. */
function withDetails({ code, message, requestId }: Failure): string {
  const details = [
    code.startsWith('ERR_') && code,
    requestId !== undefined && !message.includes(requestId) && `request id ${requestId}`,
  ].filter(Boolean)
  return details.length === 0 ? message : `${message} [${details.join(', ')}]`
}
