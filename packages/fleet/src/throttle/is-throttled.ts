import { CseError } from '@oss-cse/crypto-core'

/** Tells whether the service refused a request because there were too many. */
export function isThrottled(error: unknown): boolean {
  return CseError.isInstance(error) && error.code === 'ERR_CSE_THROTTLED'
}
