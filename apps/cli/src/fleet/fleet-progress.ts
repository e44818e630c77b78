import {
  type ProgressSample,
  type RunProgress,
  type RunStatus,
  runProgress,
  type Shard,
  type WorkerEvent,
} from '@oss-cse/fleet'
import type { CliEnvironment } from '../base/cli-environment.ts'
import { counted } from '../output/counted.ts'
import { type StatusLine, startStatusLine } from '../output/progress-bar.ts'
import { firstFitting, remainingTime } from '../output/progress-line.ts'
import type { ReportFlags } from '../output/report.ts'

/** How far back the speed looks, in milliseconds. Shards complete one by one. */
const WINDOW_MS = 30_000

/** The progress of a run, on a terminal. */
export interface FleetProgress extends StatusLine {
  onStatus(status: RunStatus): void
  onEvent(event: WorkerEvent): void
  /** Counts an object of a shard that this process has. */
  onObject(shard: Shard): void
}

/** Shows the progress of a run on stderr, if that is a terminal and no option turns it off. */
export async function startFleetProgress(
  cli: CliEnvironment,
  flags: ReportFlags,
  runId: string,
): Promise<FleetProgress> {
  let status: RunStatus | undefined
  let samples: readonly ProgressSample[] = []
  const inHand = new Map<number, number>()
  /** Shards whose objects the next state of the run counts. */
  const completed = new Set<number>()
  const objectsInHand = (): number => [...inHand.values()].reduce((sum, count) => sum + count, 0)
  const line = await startStatusLine(cli, flags, (columns) => {
    if (status === undefined) return runId.slice(0, columns)
    return fleetLine({
      runId,
      status,
      objectsInHand: objectsInHand(),
      speed: runProgress(status, samples, objectsInHand()),
      columns,
    })
  })
  return {
    ...line,
    onStatus(latest) {
      status = latest
      for (const index of completed) inHand.delete(index)
      completed.clear()
      const objects = (latest.totals['objects'] ?? 0) + objectsInHand()
      const at = new Date()
      const recent = samples.filter((sample) => at.getTime() - sample.at.getTime() < WINDOW_MS)
      samples = [...recent, { at, totals: { ...latest.totals, objects } }]
    },
    onEvent({ type, ...event }) {
      if (type === 'shard-taken' || !('shard' in event)) return
      if (type === 'shard-completed') completed.add(event.shard.index)
      else inHand.delete(event.shard.index)
    },
    onObject({ index }) {
      inHand.set(index, (inHand.get(index) ?? 0) + 1)
    },
  }
}

/** What the line of a run shows. */
export interface FleetLineState {
  readonly runId: string
  readonly status: Pick<RunStatus, 'plan' | 'shards' | 'totals'>
  /** The objects of shards that are not complete. */
  readonly objectsInHand: number
  readonly speed: RunProgress
  /** How many characters fit. */
  readonly columns: number
}

/** Returns the line of a run. It always fits: the least important fields are left out. */
export function fleetLine({ runId, status, objectsInHand, speed, columns }: FleetLineState): string {
  const { plan, shards, totals } = status
  const total = shards.waiting + shards.taken + shards.completed + shards.failed
  const failedObjects = totals['failed'] ?? 0
  const done = `shards ${shards.completed}/${total}${plan.complete ? '' : '+'}`
  const objects = `objects ${(totals['objects'] ?? 0) + objectsInHand}`
  const failed = failedObjects + shards.failed === 0 ? [] : [failuresText(failedObjects, shards.failed)]
  const rate = speed.objectsPerSecond === undefined ? [] : [`${Math.round(speed.objectsPerSecond)}/s`]
  const left = speed.etaMs === undefined ? [] : [remainingTime(speed.etaMs / 1000)]
  return firstFitting(
    [[done, objects, ...failed, ...rate, ...left], [done, ...failed, ...left], [done, ...left], [done]],
    runId,
    columns,
  )
}

function failuresText(objects: number, shards: number): string {
  return [
    ...(objects > 0 ? [`${objects} failed`] : []),
    ...(shards > 0 ? [`${counted(shards, 'shard')} failed`] : []),
  ].join(', ')
}
