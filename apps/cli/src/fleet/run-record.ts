import { readFile } from 'node:fs/promises'
import { replaceFile } from '@oss-cse/bucket/node'
import type { FleetCommand, RunSettings, RunState, ShardCounts, ShardTotals } from '@oss-cse/fleet'
import * as v from 'valibot'
import { systemCode } from '../base/cli-error.ts'

const Whole = v.pipe(v.number(), v.safeInteger(), v.minValue(0))

const RecordSchema = v.object({
  format: v.literal(1),
  id: v.string(),
  command: v.picklist(['audit', 'verify', 'rotate', 'migrate'] satisfies FleetCommand[]),
  settings: v.record(v.string(), v.unknown()),
  state: v.picklist(['active', 'paused', 'cancelled', 'finished']),
  reason: v.exactOptional(v.string()),
  created: v.string(),
  pid: v.exactOptional(Whole),
  plan: v.object({ shards: Whole, listedKeys: Whole, complete: v.boolean() }),
  shards: v.object({ waiting: Whole, taken: Whole, completed: Whole, failed: Whole }),
  totals: v.record(v.string(), Whole),
}) satisfies v.GenericSchema<unknown, RunRecord>

/**
 * What the process that works on an embedded run tells the others: its queue admits one process only. It repeats what the
 * queue contains.
 */
export interface RunRecord {
  readonly format: 1
  readonly id: string
  readonly command: FleetCommand
  readonly settings: RunSettings
  /** `finished` is a run whose report is complete. */
  readonly state: RunState | 'finished'
  /** Why it is paused, if a worker paused it. */
  readonly reason?: string
  /** In ISO 8601. */
  readonly created: string
  /** The process that works on the run, or worked on it last. */
  readonly pid?: number
  readonly plan: { readonly shards: number; readonly listedKeys: number; readonly complete: boolean }
  readonly shards: ShardCounts
  readonly totals: ShardTotals
}

/**
 * Reads the record of a run.
 *
 * @returns `undefined` if there is none, or if it is not one of this version
 */
export async function readRunRecord(path: string): Promise<RunRecord | undefined> {
  try {
    const parsed = v.safeParse(RecordSchema, JSON.parse(await readFile(path, 'utf8')))
    return parsed.success ? parsed.output : undefined
  } catch (error) {
    if (error instanceof SyntaxError || ['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? ''))
      return undefined
    throw error
  }
}

/** Replaces the record of a run. A reader always finds a whole one. */
export async function writeRunRecord(path: string, record: RunRecord): Promise<void> {
  const text = new TextEncoder().encode(`${JSON.stringify(record)}\n`)
  await replaceFile(path, (append) => append(text), { mode: 0o600 })
}

/** Whether a process works on the run. A process that was killed does not. */
export function isWorkedOn({ pid }: Pick<RunRecord, 'pid'>): boolean {
  if (pid === undefined) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // It belongs to another user.
    return systemCode(error) === 'EPERM'
  }
}
