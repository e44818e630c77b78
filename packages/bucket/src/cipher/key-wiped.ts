import { CseError } from '@oss-cse/crypto-core'

/** The error of work under a key that was wiped: what it made would look like any other. */
export function keyWiped(): CseError {
  return new CseError(
    'ERR_CSE_INVALID_ARGUMENT',
    "The object's key was wiped: its reader was closed, or its upload was completed, aborted or closed.",
  )
}
