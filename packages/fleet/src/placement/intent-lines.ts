import { CseError } from '@oss-cse/crypto-core'
import * as v from 'valibot'
import type { Intent } from './intent-store.ts'

const INTENT = v.strictObject({
  key: v.pipe(v.string(), v.minLength(1)),
  versionId: v.optional(v.string()),
  lastModified: v.pipe(v.string(), v.isoTimestamp()),
  wrappedCek: v.pipe(v.string(), v.minLength(1)),
}) satisfies v.GenericSchema<unknown, Intent>

/** Formats intents as lines of JSON, without the ends of the lines. */
export async function* formatIntents(intents: readonly Intent[]): AsyncGenerator<string, void, undefined> {
  for (const intent of intents) yield JSON.stringify(intent)
}

/**
 * Reads lines of intents.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for a line that is none: without it, a newer object could stay hidden
 */
export async function parseIntents(lines: AsyncIterable<string>): Promise<readonly Intent[]> {
  const intents: Intent[] = []
  for await (const line of lines) {
    const intent = v.safeParse(INTENT, parseJson(line))
    if (!intent.success) {
      throw new CseError(
        'ERR_CSE_INVALID_ARGUMENT',
        'The run has a record of intended writes that cannot be read. Restore it before the run continues.',
      )
    }
    intents.push(intent.output)
  }
  return intents
}

/** Returns undefined, which is no intent, for a text that is not JSON. */
function parseJson(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
