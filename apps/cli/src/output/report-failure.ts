import { printable, printableJson } from '@oss-cse/crypto-core/internal'
import type { CliEnvironment, CliOutput } from '../base/cli-environment.ts'
import type { Failure } from './failure.ts'
import { colours } from './report.ts'

/** Whether stdout would carry an object's bytes. */
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

/** Returns the JSON of a failure, in one line. */
export function failureJson(failure: Failure): string {
  return printableJson(failureRecord(failure))
}

/** Returns what the JSON of a failure contains. */
export function failureRecord({
  code,
  message,
  hint,
  exitCode: _exitCode,
  ...details
}: Failure): Readonly<Record<string, unknown>> {
  return { code, message: hint === undefined ? message : `${message} ${hint}`, ...details }
}

/** Where a command reports its failure. */
export interface FailurePlaces {
  /** Where one line of JSON goes, if any: where the command's result would go. */
  readonly json: CliOutput | undefined
  /** Whether stderr gets lines for a person. It does not if the JSON goes there. */
  readonly lines: boolean
}

/** Finds where a failure is reported. Reads the arguments without parsing them, because they can be invalid. */
export function failurePlaces(argv: readonly string[], cli: CliEnvironment): FailurePlaces {
  if (!optionsOf(argv).includes('--json')) return { json: undefined, lines: true }
  const onStderr = dataOnStdout(argv)
  return { json: onStderr ? cli.stderr : cli.stdout, lines: !onStderr }
}

/** Prints a failure as one JSON object. Does not wait for the write: an interrupt must end a command without a reader. */
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

/** Returns the text of a failure in one line, with what the user can do. */
export function failureText(failure: Failure): string {
  return [withDetails(failure), failure.hint].filter(Boolean).join(' ')
}

/** Returns the message with the library's code and, if the message lacks it, the service's request id. */
function withDetails({ code, message, requestId }: Failure): string {
  const details = [
    code.startsWith('ERR_') && code,
    requestId !== undefined && !message.includes(requestId) && `request id ${requestId}`,
  ].filter(Boolean)
  return details.length === 0 ? message : `${message} [${details.join(', ')}]`
}
