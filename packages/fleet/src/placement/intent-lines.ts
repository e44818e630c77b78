import { CseError } from '@oss-cse/crypto-core'
import * as v from 'valibot'
import { isMissing } from '../objects/missing.ts'
import type { IntentEntry, IntentRecord } from './intent-store.ts'

const ENTRY = v.strictObject({
  id: v.pipe(v.string(), v.minLength(1)),
  key: v.pipe(v.string(), v.minLength(1)),
  versionId: v.optional(v.string()),
  lastModified: v.pipe(v.string(), v.isoTimestamp()),
  wrappedCek: v.pipe(v.string(), v.minLength(1)),
  settled: v.optional(v.literal(true)),
}) satisfies v.GenericSchema<unknown, IntentEntry>

/** Formats entries as lines of JSON, without the ends of the lines. */
export async function* formatIntents(
  entries: readonly IntentEntry[],
): AsyncGenerator<string, void, undefined> {
  for (const entry of entries) yield JSON.stringify(entry)
}

/**
 * Reads lines of entries.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for a line that is none: without it, a newer object could stay hidden
 */
async function parseIntents(lines: AsyncIterable<string>): Promise<readonly IntentEntry[]> {
  const entries: IntentEntry[] = []
  for await (const line of lines) {
    const entry = v.safeParse(ENTRY, parseJson(line))
    if (!entry.success) {
      throw new CseError(
        'ERR_CSE_INVALID_ARGUMENT',
        'The run has a record of intended writes that cannot be read. Restore it before the run continues.',
      )
    }
    entries.push(entry.output)
  }
  return entries
}

/**
 * Reads a record. Returns undefined if it does not exist any more: another worker of the shard, whose record it was, has removed it.
 *
 * @throws CseError as `parseIntents`
 */
export async function intentRecord(
  id: string,
  lines: AsyncIterable<string>,
): Promise<IntentRecord | undefined> {
  try {
    return { id, entries: await parseIntents(lines) }
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/** Returns undefined, which is no intent, for a text that is not JSON. */
function parseJson(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
