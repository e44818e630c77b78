import { type EnvelopeSummary, printable, printableJson } from '@oss-cse/crypto-core'
import type { Command } from 'commander'
import pc from 'picocolors'
import type { CliEnvironment, CliOutput } from '../base/cli-environment.ts'
import { ToldFailure } from './failure.ts'
import { humanSize } from './human-size.ts'
import { writeChunk } from './stream-writer.ts'

/** How a command tells what it did. */
export interface ReportFlags {
  readonly json?: boolean
  readonly quiet?: boolean
  readonly progress?: boolean
}

/** Adds the options of every command that reports. */
export function addReportOptions(command: Command): Command {
  return command
    .optionsGroup('Output:')
    .option('--json', 'print one JSON object that tells what was done')
    .option('--quiet', 'print errors and data only')
    .option('--no-progress', 'no progress bar')
}

/**
 * Prints what a command did: one JSON object, or one line for a person on stderr.
 *
 * @param dataOnStdout - true when stdout carries an object's bytes: the JSON then goes to stderr, and the line
 * is left out, as nobody expects chatter from a pipe
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

/** What an earlier run had done of a transfer, behind the rest of its line; empty when that is nothing. */
export function resumedText(resumedBytes: number, done: 'sent' | 'fetched'): string {
  return resumedBytes === 0 ? '' : `; ${humanSize(resumedBytes)} of it were ${done} before`
}

/** Prints what a command was asked to show: one JSON object, or lines for a person, both on stdout. */
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
 * Writes a whole JSON document: once it has begun, no other may follow.
 *
 * @throws ToldFailure when it could not be written, or an interrupt came meanwhile
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

/** Colours for stderr; none where it is not a terminal, or NO_COLOR asks for none. */
export function colours(cli: CliEnvironment): ReturnType<typeof pc.createColors> {
  return pc.createColors(cli.stderr.isTTY === true && !cli.env['NO_COLOR'])
}

/** Lines of a name and a value each, the values aligned. */
export function fieldLines(fields: readonly (readonly [string, string | undefined])[]): string[] {
  const shown = fields.filter((field): field is readonly [string, string] => field[1] !== undefined)
  const width = shown.reduce((widest, [name]) => Math.max(widest, name.length), 0)
  return shown.map(([name, value]) => `${`${name}:`.padEnd(width + 2)}${value}`)
}

/** What an envelope says, for a person. */
export function envelopeFields(
  envelope: EnvelopeSummary | undefined,
): readonly (readonly [string, string | undefined])[] {
  if (envelope === undefined) return [['encrypted', 'no']]
  const { dataSizeBytes, partSizeBytes } = envelope.version === 2 ? envelope : {}
  const description = envelope.materialDescription
  return [
    ['encrypted', `yes, on the client (envelope version ${envelope.version})`],
    ['content', contentText(envelope)],
    ['key wrapped by', envelope.wrapAlgorithm],
    ['material', Object.keys(description).length === 0 ? '(no description)' : JSON.stringify(description)],
    ['plaintext length', bytesText(envelope.unencryptedContentLength)],
    ['plaintext MD5', envelope.unencryptedContentMd5],
    [
      'multipart',
      dataSizeBytes === undefined ? undefined : `${dataSizeBytes} bytes in parts of ${partSizeBytes ?? '?'}`,
    ],
  ]
}

/** The algorithm as the envelope names it, and as it is: V1 promises an authentication that is not there. */
function contentText({ version, cekAlgorithm }: EnvelopeSummary): string {
  return version === 1 ? `AES/CTR/NoPadding (the V1 format calls it ${cekAlgorithm})` : cekAlgorithm
}

/** A moment in a listing, to the second; empty where it is not known. */
export function isoSeconds(date: Date | undefined): string {
  return date === undefined || Number.isNaN(date.getTime()) ? '' : `${date.toISOString().slice(0, 19)}Z`
}

function bytesText(count: number | undefined): string | undefined {
  return count === undefined ? undefined : `${count} bytes`
}
