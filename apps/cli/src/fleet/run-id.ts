import type { FleetCommand } from '@oss-cse/fleet'
import { InvalidArgumentError } from 'commander'

const RUN_ID = /^[A-Za-z0-9_-]{1,64}$/
/** Leaves room for the command, the date and a number. */
const MAX_BUCKET_LENGTH = 36

/**
 * Parses the id of a run, which is also the name of its directory.
 *
 * @throws InvalidArgumentError
 */
export function parseRunId(text: string): string {
  if (RUN_ID.test(text)) return text
  throw new InvalidArgumentError('It must be 1 to 64 letters, digits, hyphens and underscores.')
}

/**
 * Returns a readable id for a new run: `audit-my-bucket-2026-11-30`, and with a number if there is such a run already.
 *
 * @param taken - the ids of the runs that exist
 */
export function newRunId(
  command: FleetCommand,
  bucket: string,
  date: Date,
  taken: ReadonlySet<string>,
): string {
  const base = `${command}-${bucket.slice(0, MAX_BUCKET_LENGTH)}-${date.toISOString().slice(0, 10)}`
  for (let number = 2, id = base; ; id = `${base}-${number++}`) if (!taken.has(id)) return id
}
