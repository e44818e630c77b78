import type { FleetCommand, ReportOutcome } from '@oss-cse/fleet'
import type { FleetSettings } from './run-settings.ts'

/** What decides whether an outcome is a failure of a run. */
export interface FailingRun {
  readonly command: FleetCommand
  readonly settings: Pick<FleetSettings, 'onPlainObject'>
}

/** The outcomes of objects that are not what they should be. */
export function unfitOutcomes({ command, settings }: FailingRun): readonly ReportOutcome[] {
  const rejectsPlain = command === 'verify' && settings.onPlainObject !== 'passthrough'
  return rejectsPlain ? ['altered', 'damaged', 'plain'] : ['altered', 'damaged']
}

/** The outcomes for which a run has another exit code than 0, and which `--retry-failed` does again. */
export function failedOutcomes(run: FailingRun): ReadonlySet<ReportOutcome> {
  return new Set([...unfitOutcomes(run), 'failed', 'conflict'])
}
