import { type Command, InvalidArgumentError, Option } from 'commander'
import { addReportOptions, type ReportFlags } from '../output/report.ts'
import { addServerOptions, type ServerFlags } from '../server/server-options.ts'
import { parseSize } from '../transfer/parse-size.ts'
import { parseParallel } from '../transfer/transfer-options.ts'
import { QUEUE_VARIABLE, type QueueFlags } from './queue-address.ts'
import { parseRunId } from './run-id.ts'

/** The default of `--max-qps`. An account has a limit that the fleet shares with production. */
export const DEFAULT_MAX_QPS = 500
/** The default of `--parallel`. */
export const DEFAULT_PARALLEL = 16

/** How fast one process works. */
interface PaceFlags {
  readonly maxQps?: number
  /** Bytes per second. */
  readonly maxRate?: number
  readonly parallel?: number
}

/** The options of each command that works on objects. */
export interface WorkFlags extends QueueFlags, PaceFlags, ServerFlags, ReportFlags {}

/** The options of each command that starts a run. */
export interface RunFlags extends WorkFlags {
  readonly run?: string
  readonly report?: string
  readonly inventory?: string
  readonly limit?: number
  readonly redactKeys?: boolean
  readonly retryFailed?: string
}

/** The options of the commands that write objects. */
export interface RewriteFlags extends RunFlags {
  readonly into?: string
  readonly writersArePaused?: boolean
  readonly keepLastModified?: boolean
  readonly dryRun?: boolean
  readonly yes?: boolean
}

/** Adds the options of a command that writes objects. */
export function addRewriteOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--into <url>',
        'oss://BUCKET, which never kept versions: write there, under the same keys; overwrites nothing',
      ).conflicts('writersArePaused'),
    )
    .option(
      '--writers-are-paused',
      'the bucket keeps no versions, and nobody writes to it until the run is over: without that, their writes can get lost',
    )
    .option(
      '--keep-last-modified',
      'record when each object was last modified, in its metadata oss-cse-original-last-modified',
    )
    .option('--dry-run', 'report what would be written, and write nothing')
    .option('--yes', 'do not ask before the start')
}

/**
 * Adds the option for a queue that many machines share.
 *
 * @param without - what its help says of a command without it
 */
export function addQueueOption(command: Command, without = 'default: embedded, for one machine'): Command {
  return command.option(
    '--queue <url>',
    `PostgreSQL that many machines share; keep a password out of it and in ${QUEUE_VARIABLE} (env: ${QUEUE_VARIABLE}, ${without})`,
  )
}

/** Adds the options of a command that starts a run, without those of its own. */
export function addRunOptions(command: Command): Command {
  addQueueOption(command.optionsGroup('Run:'))
    .option(
      '--run <name>',
      'name of the run (default: made from the command, the bucket and the date)',
      parseRunId,
    )
    .option(
      '--report <place>',
      "directory or oss://BUCKET/PREFIX/ for the report; required with --queue (default: in the run's directory)",
    )
    .option('--redact-keys', 'write hashes instead of the keys of objects into the report')
    .addOption(
      new Option(
        '--inventory <url>',
        'oss://BUCKET/KEY of the manifest.json of an OSS inventory: divide the keys by it, and not by listing all of them first',
      ).conflicts(['limit', 'retryFailed']),
    )
    .addOption(
      new Option('--limit <n>', 'only the first N keys, in byte order')
        .argParser(parseCount)
        .conflicts('retryFailed'),
    )
    .option(
      '--retry-failed <run>',
      'only the objects because of which this earlier run did not exit with 0, and those between them',
      parseRunId,
    )
  return addWorkOptions(command)
}

/** Adds the options of a command that works on objects: how fast, where the objects are, and what is printed. */
export function addWorkOptions(command: Command): Command {
  command
    .optionsGroup('Pace (of this process):')
    .option(
      '--max-qps <n>',
      `number of requests to OSS in a second, at most (default: ${DEFAULT_MAX_QPS})`,
      parseCount,
    )
    .option('--max-rate <size>', 'bytes in a second, at most, such as 10MiB (default: no limit)', parseRate)
    .option(
      '--parallel <n>',
      `number of objects to work on at the same time, 1 to 100 (default: ${DEFAULT_PARALLEL})`,
      parseParallel,
    )
  return addReportOptions(addServerOptions(command))
}

function parseCount(text: string): number {
  const count = /^[0-9]{1,15}$/.test(text) ? Number(text) : 0
  if (count >= 1) return count
  throw new InvalidArgumentError('It must be a whole number of at least 1.')
}

function parseRate(text: string): number {
  const bytes = parseSize(text)
  if (bytes >= 1) return bytes
  throw new InvalidArgumentError('It must be at least 1.')
}
