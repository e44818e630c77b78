import { contentFormat, type EnvelopeSummary } from '@oss-cse/crypto-core'
import { printable, printableJson } from '@oss-cse/crypto-core/internal'
import type { Command } from 'commander'
import pc from 'picocolors'
import type { CliEnvironment, CliOutput } from '../base/cli-environment.ts'
import { ToldFailure } from './failure.ts'
import { humanSize } from './human-size.ts'
import { writeChunk } from './stream-writer.ts'

/** How a command reports its result. */
export interface ReportFlags {
  readonly json?: boolean
  readonly quiet?: boolean
  readonly progress?: boolean
}

/** Adds the options of every command that reports. */
export function addReportOptions(command: Command): Command {
  return command
    .optionsGroup('Output:')
    .option('--json', 'print the result as one JSON object')
    .option('--quiet', 'print only errors, warnings and data')
    .option('--no-progress', 'show no progress bar')
}

/**
 * Prints the result of a command: one JSON object, or one line for a person on stderr.
 *
 * @param dataOnStdout - true when stdout carries an object's bytes: the JSON then goes to stderr, and the line
 * for a person is left out, as users of a pipe expect
 */
export async function reportDone(
  cli: CliEnvironment,
  flags: ReportFlags,
  result: Readonly<Record<string, unknown>>,
  line: string,
  dataOnStdout = false,
): Promise<void> {
  if (flags.json) {
    await writeDocument(cli, dataOnStdout ? cli.stderr : cli.stdout, `${printableJson(result)}\n`)
  } else if (!flags.quiet && !dataOnStdout) {
    await writeChunk(cli.stderr, `${printable(line)}\n`, cli.signal)
  }
}

/** How much of a transfer an earlier run did, for the end of its line. Empty if that is nothing. */
export function resumedText(resumedBytes: number): string {
  return resumedBytes === 0 ? '' : `, ${humanSize(resumedBytes)} resumed`
}

/** The commitment of a sealed object, for the end of a report. */
export function commitmentText(commitment: string | undefined): string {
  return commitment === undefined ? '' : ` Commitment: ${commitment}`
}

/** Prints what a command shows: one JSON object, or lines for a person, both on stdout. */
export async function show(
  cli: CliEnvironment,
  flags: ReportFlags,
  result: Readonly<Record<string, unknown>>,
  lines: readonly string[],
): Promise<void> {
  if (flags.json) await writeDocument(cli, cli.stdout, `${printableJson(result)}\n`)
  else await writeChunk(cli.stdout, `${lines.map(printable).join('\n')}\n`, cli.signal)
}

/**
 * Writes a whole JSON document. Once the write has started, no other document may follow.
 *
 * @throws ToldFailure when the write fails or is interrupted
 */
export async function writeDocument(cli: CliEnvironment, stream: CliOutput, text: string): Promise<void> {
  cli.signal.throwIfAborted()
  try {
    await writeChunk(stream, text, cli.signal)
  } catch (error) {
    throw new ToldFailure(error)
  }
}

/** Prints a warning on stderr. */
export function warn(cli: CliEnvironment, message: string): void {
  cli.stderr.write(warningLine(cli, message))
}

/** The line of a warning. */
export function warningLine(cli: CliEnvironment, message: string): string {
  return `${colours(cli).yellow('oss-cse: warning:')} ${printable(message)}\n`
}

/** The colours for stderr. There are none if stderr is not a terminal or NO_COLOR is set. */
export function colours(cli: CliEnvironment): ReturnType<typeof pc.createColors> {
  return pc.createColors(cli.stderr.isTTY === true && !cli.env['NO_COLOR'])
}

/** Formats one line for each name and value, with the values aligned. */
export function fieldLines(fields: readonly (readonly [string, string | undefined])[]): string[] {
  const shown = fields.filter((field): field is readonly [string, string] => field[1] !== undefined)
  const width = shown.reduce((widest, [name]) => Math.max(widest, name.length), 0)
  return shown.map(([name, value]) => `${`${name}:`.padEnd(width + 2)}${value}`)
}

/** Describes an envelope for a person. */
export function envelopeFields(
  envelope: EnvelopeSummary | undefined,
): readonly (readonly [string, string | undefined])[] {
  if (envelope === undefined) return [['encrypted', 'no']]
  const { dataSizeBytes, partSizeBytes } = envelope.version === 2 ? envelope : {}
  const description = envelope.materialDescription
  return [
    ['encrypted', `yes, on the client (envelope version ${envelope.version})`],
    ['content', contentText(envelope)],
    ['wrap algorithm', envelope.wrapAlgorithm],
    ['material', Object.keys(description).length === 0 ? '(no description)' : JSON.stringify(description)],
    ['plaintext length', bytesText(envelope.unencryptedContentLength)],
    ['plaintext MD5', envelope.unencryptedContentMd5],
    [
      'multipart',
      dataSizeBytes === undefined
        ? undefined
        : `${dataSizeBytes} bytes in parts of ${partSizeBytes ?? '?'} bytes`,
    ],
  ]
}

/** The real algorithm. The name in a V1 envelope promises an authentication that does not exist. */
function contentText({ version, cekAlgorithm }: EnvelopeSummary): string {
  if (contentFormat({ version, cekAlgorithm }) === 'sealed') return `sealed (${cekAlgorithm})`
  return version === 1 ? `AES/CTR/NoPadding (the V1 format calls it ${cekAlgorithm})` : cekAlgorithm
}

/** A date in a listing, to the second. Empty if it is not known. */
export function isoSeconds(date: Date | undefined): string {
  return date === undefined || Number.isNaN(date.getTime()) ? '' : `${date.toISOString().slice(0, 19)}Z`
}

function bytesText(count: number | undefined): string | undefined {
  return count === undefined ? undefined : `${count} bytes`
}
