import { CseError } from '@oss-cse/crypto-core'

/** SQLSTATE classes after which the same transaction may succeed: connection, resources, rollback, operator. */
const PASSING_STATES = /^(?:08|40|53|57P)/

/** SQLSTATE 53100: the disk is full, which no retry changes. */
const DISK_FULL = '53100'

/**
 * Tells whether the same call may succeed in a moment: the server restarts, is busy, or cannot be reached.
 *
 * An error without a SQLSTATE does not come from the server, but from the connection to it.
 */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof Error) || CseError.isInstance(error)) return false
  if (!('severity' in error) || !('code' in error)) return true
  return PASSING_STATES.test(String(error.code)) && error.code !== DISK_FULL
}

/** The error of a call whose database failed: `ERR_CSE_QUEUE`. A CseError stays as it is. */
export function queueFailure(error: unknown): CseError {
  if (CseError.isInstance(error)) return error
  const { message, code } = Object(error) as Partial<NodeJS.ErrnoException>
  // Connections that several addresses refused have no message of their own.
  const reason = message || code || 'no reason is known'
  return new CseError('ERR_CSE_QUEUE', `The database of the job queue failed: ${reason}`, { cause: error })
}
