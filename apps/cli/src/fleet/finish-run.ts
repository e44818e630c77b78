import { CseError } from '@oss-cse/crypto-core'
import { printableJson } from '@oss-cse/crypto-core/internal'
import {
  latestParts,
  mergeReport,
  parseRow,
  type ReportStore,
  type ReportSummary,
  summaryTable,
} from '@oss-cse/fleet'
import type { CliEnvironment } from '../base/cli-environment.ts'
import { CliError, type CliErrorKind, configurationError } from '../base/cli-error.ts'
import { counted } from '../output/counted.ts'
import { kindOf } from '../output/exit-codes.ts'
import { ToldFailure } from '../output/failure.ts'
import { type ReportFlags, warn, writeDocument } from '../output/report.ts'
import { writeChunk } from '../output/stream-writer.ts'
import { formatOssUrl } from '../server/oss-url.ts'
import { unfitOutcomes } from './failed-outcomes.ts'
import type { OpenRun, WorkedRun } from './work-on-run.ts'

/**
 * Merges the report of a run that is over, and prints its summary.
 *
 * @returns the error to throw when something failed, with the kind that decides the exit code
 */
export async function finishRun(
  run: Pick<OpenRun, 'id' | 'command' | 'settings'>,
  { status, report }: Pick<WorkedRun, 'status' | 'report'>,
  flags: ReportFlags,
  cli: CliEnvironment,
): Promise<unknown> {
  const { plan, shards, totals } = status
  const summary = await mergeReport(report.store, {
    shards: plan.shards,
    planComplete: plan.complete,
    totals,
    signal: cli.signal,
  })
  const failure = await failureOfRun(run, summary, report.store, shards.failed)
  if (plan.complete && plan.listedKeys === 0) {
    const { bucket, prefix } = run.settings
    warn(cli, `No key begins with ${formatOssUrl({ bucket, key: prefix })}: the run had nothing to do.`)
  }
  if (flags.json) {
    const { bucket, prefix } = run.settings
    const { place, files } = report
    const result = {
      run: run.id,
      command: run.command,
      bucket,
      prefix,
      state: 'finished',
      listedKeys: plan.listedKeys,
      shards,
      totals,
      summary,
      report: { place, files },
    }
    await writeDocument(cli, cli.stdout, `${printableJson(result)}\n`)
  } else if (!flags.quiet) {
    const text = `${summaryTable(summary)}\nReport: ${report.files.rows}\n`
    await writeChunk(cli.stdout, text, cli.signal)
  }
  return failure !== undefined && flags.json ? new ToldFailure(failure) : failure
}

/**
 * The error of a run that stopped before its end, or `undefined` for one that is over.
 *
 * @param status - the run when its worker stopped
 */
export function stoppedEarly({ id, state, reason }: WorkedRun['status']): CliError | undefined {
  if (state === 'cancelled') return new CliError('other', `The run ${id} is cancelled.`)
  if (state !== 'paused') return undefined
  // Only a circuit breaker states a reason: a key, a permission or a setting is wrong.
  return reason === undefined
    ? new CliError('other', `The run ${id} is paused. The same command continues it.`)
    : configurationError(
        `The run ${id} is paused. ${reason} Correct the cause, such as a permission, and run the same command again. With other keys it is another run.`,
      )
}

async function failureOfRun(
  run: Pick<OpenRun, 'id' | 'command' | 'settings'>,
  { outcomes, objects, problemCount }: ReportSummary,
  store: ReportStore,
  failedShards: number,
): Promise<CliError | undefined> {
  const all = counted(objects, 'object')
  const count = (outcome: string): number => outcomes[outcome]?.objects ?? 0
  const again = nextStep(run, failedShards)
  const unfitFound = unfitOutcomes(run).filter((outcome) => count(outcome) > 0)
  const unfit = unfitFound.reduce((sum, outcome) => sum + count(outcome), 0)
  const failed = count('failed')
  if (unfit > 0) {
    const more = failed === 0 ? '' : ` ${failed} more failed.`
    const each = unfitFound.map((outcome) => `${count(outcome)} ${outcome}`).join(', ')
    return new CliError(
      'decryption',
      `${unfit} of ${all} ${unfit === 1 ? 'is not what it' : 'are not what they'} should be: ${each}.${more}${again}`,
    )
  }
  if (failedShards > 0) return new CliError('other', again.trimStart())
  if (failed > 0) {
    return new CliError(await worstKind(store), `${failed} of ${all} failed.${again}`)
  }
  const conflicts = count('conflict')
  if (conflicts > 0) {
    return new CliError(
      'other',
      `${conflicts} of ${all} ${conflicts === 1 ? 'was not copied: the other bucket has other content under its key' : 'were not copied: the other bucket has other content under their keys'}.${again}`,
    )
  }
  if (problemCount > 0) return new CliError('other', 'The report is not complete: see its summary.')
  return undefined
}

/** What to do about failures, after a space. */
function nextStep({ id, settings }: Pick<OpenRun, 'id' | 'settings'>, failedShards: number): string {
  if (failedShards > 0) return ` Shards that failed: ${failedShards}. The same command tries them again.`
  // A report without keys does not tell which objects failed.
  return settings.redactKeys === undefined
    ? ` Correct the cause, and try these again with --retry-failed ${id}.`
    : ''
}

/** The kind of the failures of a report: decryption if one is of that kind, otherwise that of the first one. */
async function worstKind(store: ReportStore): Promise<CliErrorKind> {
  let first: CliErrorKind | undefined
  for await (const { name } of latestParts(store)) {
    for await (const line of store.readPart(name)) {
      if (!line.includes('"outcome":"failed"')) continue
      const { outcome, code } = parseRow(line)
      if (outcome !== 'failed') continue
      const kind = code === undefined ? 'other' : kindOf(new CseError(code, ''))
      if (kind === 'decryption') return kind
      first ??= kind
    }
  }
  return first ?? 'other'
}
