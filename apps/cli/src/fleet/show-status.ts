import type { CliEnvironment } from '../base/cli-environment.ts'
import { counted } from '../output/counted.ts'
import { fieldLines, type ReportFlags, show } from '../output/report.ts'
import { formatOssUrl } from '../server/oss-url.ts'
import { noSuchRun, recordOf } from './embedded-run.ts'
import { fleetDirectory } from './fleet-directory.ts'
import { type QueueFlags, queueAddress } from './queue-address.ts'
import { isWorkedOn, type RunRecord } from './run-record.ts'
import { type FleetSettings, parseRunSettings } from './run-settings.ts'

/** Shows one run, or all of them. */
export async function showStatus(
  id: string | undefined,
  flags: QueueFlags & ReportFlags,
  cli: CliEnvironment,
): Promise<void> {
  const address = queueAddress(flags, cli)
  const runs = address === undefined ? await embeddedRuns(id, cli) : await sharedRuns(address, cli)
  if (id === undefined) {
    const lines = runs.length === 0 ? ['There are no runs.'] : runs.map(line)
    await show(cli, flags, { runs: runs.map(statusJson) }, lines)
    return
  }
  const run = runs.find((one) => one.id === id)
  if (run === undefined) throw noSuchRun(id)
  await show(cli, flags, statusJson(run), fieldLines(fields(run)))
}

async function embeddedRuns(id: string | undefined, cli: CliEnvironment): Promise<readonly RunRecord[]> {
  const directory = fleetDirectory(cli)
  if (id === undefined) return directory.list()
  const record = await directory.read(id)
  return record === undefined ? [] : [record]
}

async function sharedRuns(address: string, cli: CliEnvironment): Promise<readonly RunRecord[]> {
  const queue = await cli.openJobQueue({ address })
  try {
    return (await queue.listRuns()).map((run) => recordOf(run))
  } finally {
    await queue.close()
  }
}

/** What is printed as the state: that of an active run says whether a process works on it. */
function stateText(run: RunRecord): string {
  if (run.pid !== undefined) return isWorkedOn(run) ? `working (process ${run.pid})` : 'interrupted'
  if (run.state === 'active') return 'active'
  return run.reason === undefined ? run.state : `${run.state}: ${run.reason}`
}

/** Returns the fields of a run for `--json`. */
function statusJson(run: RunRecord): Readonly<Record<string, unknown>> {
  const { id, command, state, reason, created, pid, plan, shards, totals } = run
  const { bucket, prefix, report } = settingsOf(run) ?? {}
  return {
    run: id,
    command,
    ...(bucket !== undefined && { bucket, prefix }),
    state,
    ...(reason !== undefined && { reason }),
    created,
    ...(pid !== undefined && isWorkedOn(run) && { pid }),
    listedKeys: plan.listedKeys,
    planned: plan.complete,
    shards,
    totals,
    ...(report !== undefined && { report }),
  }
}

function fields(run: RunRecord): readonly (readonly [string, string | undefined])[] {
  const { plan, shards, totals } = run
  const settings = settingsOf(run)
  return [
    ['run', run.id],
    ['command', run.command],
    ['url', urlOf(settings)],
    ['state', stateText(run)],
    ['started', run.created],
    ['listed keys', `${plan.listedKeys}${plan.complete ? '' : ' so far'}`],
    ['shards', shardsText(shards, plan.complete, String)],
    ...Object.entries(totals).map(([name, count]) => [name, String(count)] as const),
    ['report', settings?.report],
  ]
}

function shardsText(
  { waiting, taken, completed, failed }: RunRecord['shards'],
  planned: boolean,
  totalText: (total: number) => string,
): string {
  const total = totalText(waiting + taken + completed + failed)
  return `${completed} of ${total}${planned ? '' : ' so far'}${failed > 0 ? `, ${failed} failed` : ''}`
}

function line(run: RunRecord): string {
  const shards = shardsText(run.shards, run.plan.complete, (total) => counted(total, 'shard'))
  return [run.id, urlOf(settingsOf(run)) ?? '?', shards, stateText(run)].join('  ')
}

function urlOf(settings: FleetSettings | undefined): string | undefined {
  return settings && formatOssUrl({ bucket: settings.bucket, key: settings.prefix })
}

/** The settings of a run, or `undefined` for those of another version. It must not hide the other runs. */
function settingsOf({ id, settings }: RunRecord): FleetSettings | undefined {
  try {
    return parseRunSettings(id, settings)
  } catch {
    return undefined
  }
}
