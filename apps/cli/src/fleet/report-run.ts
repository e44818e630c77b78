import { replaceFile } from '@oss-cse/bucket/node'
import { printableJson } from '@oss-cse/crypto-core/internal'
import { mergeReport, REPORT_FILES, type ReportStore, type ReportSummary, summaryTable } from '@oss-cse/fleet'
import type { CliEnvironment } from '../base/cli-environment.ts'
import { CliError, usageError } from '../base/cli-error.ts'
import { ToldFailure } from '../output/failure.ts'
import { type ReportFlags, writeDocument } from '../output/report.ts'
import { writeChunk } from '../output/stream-writer.ts'
import type { ServerFlags } from '../server/server-options.ts'
import { noSuchRun, recordOf } from './embedded-run.ts'
import { type FleetDirectory, fleetDirectory } from './fleet-directory.ts'
import { type QueueFlags, queueAddress } from './queue-address.ts'
import { openReport, type RunReport } from './report-place.ts'
import type { RunRecord } from './run-record.ts'
import { runServer } from './run-server.ts'
import { parseRunSettings } from './run-settings.ts'

/** The flags of `oss-cse fleet report`. */
export interface ReportRunFlags extends QueueFlags, ServerFlags, ReportFlags {
  readonly csv?: boolean
  readonly jsonl?: boolean
  readonly out?: string
}

/** Where the rows of a report go, in addition to its own files. */
interface Rows {
  readonly file: string
  /** A file, or stdout if it is absent. */
  readonly out: string | undefined
}

/** Merges the report of a run again, and shows it. */
export async function reportRun(id: string, flags: ReportRunFlags, cli: CliEnvironment): Promise<void> {
  const rows = wantedRows(flags)
  const { record, directory } = await findRecord(id, flags, cli)
  if (record === undefined) throw noSuchRun(id)
  const { plan, totals } = record
  if (plan.shards === 0)
    throw new CliError('other', `The run ${id} ${STATES[record.state]}, and has no report.`)
  const settings = parseRunSettings(id, record.settings)
  const server = () => runServer(settings, flags, cli)
  const report = await openReport({ runId: id, settings, directory, server }, cli)
  const merge = (store: ReportStore): Promise<ReportSummary> =>
    mergeReport(store, { shards: plan.shards, planComplete: plan.complete, totals, signal: cli.signal })
  const summary =
    rows === undefined ? await merge(report.store) : await withRows(report.store, rows, merge, cli)
  await showReport(
    record,
    { report, summary, dataOnStdout: rows !== undefined && rows.out === undefined },
    flags,
    cli,
  )
}

/** What a person reads of a run in each state. */
const STATES: Readonly<Record<RunRecord['state'], string>> = {
  active: 'is not over yet',
  paused: 'is paused',
  cancelled: 'is cancelled',
  finished: 'is over',
}

function wantedRows({ csv, jsonl, out, json }: ReportRunFlags): Rows | undefined {
  if (!csv && !jsonl) {
    if (out !== undefined) throw usageError('--out requires --csv or --jsonl.')
    return undefined
  }
  if (out === '') throw usageError('--out is empty. Name a file.')
  if (json && out === undefined)
    throw usageError('--json with --csv or --jsonl requires --out: both would go to stdout.')
  return { file: csv ? REPORT_FILES.csv : REPORT_FILES.rows, out: out === '-' ? undefined : out }
}

/** Merges a report, and writes one of its files to another place too. */
async function withRows(
  store: ReportStore,
  { file, out }: Rows,
  merge: (store: ReportStore) => Promise<ReportSummary>,
  cli: CliEnvironment,
): Promise<ReportSummary> {
  const merged = (write: (text: string) => Promise<void>): Promise<ReportSummary> =>
    merge({
      writePart: (...args) => store.writePart(...args),
      partNames: (...args) => store.partNames(...args),
      readPart: (...args) => store.readPart(...args),
      writeResult: (name, chunks, options) =>
        store.writeResult(name, name === file ? eachWritten(chunks, write) : chunks, options),
    })
  if (out === undefined) return merged((text) => writeChunk(cli.stdout, text, cli.signal))
  const encoder = new TextEncoder()
  return replaceFile(out, (append) => merged((text) => append(encoder.encode(text))), { mode: 0o600 })
}

async function* eachWritten(
  chunks: AsyncIterable<string>,
  write: (text: string) => Promise<void>,
): AsyncGenerator<string, void, undefined> {
  for await (const chunk of chunks) {
    await write(chunk)
    yield chunk
  }
}

async function findRecord(
  id: string,
  flags: QueueFlags,
  cli: CliEnvironment,
): Promise<{ readonly record: RunRecord | undefined; readonly directory?: FleetDirectory }> {
  const address = queueAddress(flags, cli)
  if (address === undefined) {
    const directory = fleetDirectory(cli)
    return { record: await directory.read(id), directory }
  }
  const queue = await cli.openJobQueue({ address })
  try {
    const run = (await queue.listRuns()).find((one) => one.id === id)
    return { record: run && recordOf(run) }
  } finally {
    await queue.close()
  }
}

async function showReport(
  { id, state }: RunRecord,
  found: { readonly report: RunReport; readonly summary: ReportSummary; readonly dataOnStdout: boolean },
  flags: ReportRunFlags,
  cli: CliEnvironment,
): Promise<void> {
  const { report, summary, dataOnStdout } = found
  const { place, files } = report
  const failure =
    summary.problemCount === 0
      ? undefined
      : new CliError('other', `The run ${id} ${STATES[state]}. Its report is not complete.`)
  if (flags.json) {
    const result = { run: id, state, report: { place, files }, summary }
    await writeDocument(cli, cli.stdout, `${printableJson(result)}\n`)
    if (failure !== undefined) throw new ToldFailure(failure)
  } else if (!dataOnStdout && !flags.quiet) {
    const lines = Object.values(files).map((file) => `Report: ${file}\n`)
    await writeChunk(cli.stdout, `${summaryTable(summary)}\n${lines.join('')}`, cli.signal)
  }
  if (failure !== undefined) throw failure
}
