import { checkSameRun, type FleetCommand, type NewRun } from '@oss-cse/fleet'
import type { FleetSettings } from './run-settings.ts'

/** Settings that are computed once, when a run begins: another command line with the same options has the same run. */
const COMPUTED: ReadonlySet<string> = new Set<keyof FleetSettings>(['lastKey', 'retryShards'])

/**
 * Returns the newest run that does what is asked for.
 *
 * @param runs - the newest first
 * @param asked - the settings without those that are computed
 * @param name - of the run, if it must be a certain one
 */
export function findRun<Run extends NewRun>(
  runs: readonly Run[],
  asked: { readonly command: FleetCommand; readonly settings: FleetSettings },
  name: string | undefined,
): Run | undefined {
  return runs.find((run) => (name === undefined || run.id === name) && isSame(run, asked))
}

function isSame(
  run: NewRun,
  { command, settings }: { readonly command: FleetCommand; readonly settings: FleetSettings },
): boolean {
  const asked = { id: run.id, command, settings: { ...settings } }
  try {
    checkSameRun({ ...run, settings: withoutComputed(run.settings) }, asked)
    return true
  } catch {
    return false
  }
}

function withoutComputed(settings: NewRun['settings']): NewRun['settings'] {
  return Object.fromEntries(Object.entries(settings).filter(([name]) => !COMPUTED.has(name)))
}
