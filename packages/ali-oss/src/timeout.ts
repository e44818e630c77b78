import { MAX_TIMER_MS } from '@oss-cse/crypto-core/internal'
import type OSS from 'ali-oss'
import humanizeMs from 'humanize-ms'
import { internalsOf } from './ali-oss-internals.ts'
import { invalid } from './request-options.ts'

/**
 * Returns the idle timeout of a call, or else of its client, in milliseconds.
 *
 * @returns `undefined` if neither has one
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for an invalid time
 */
export function timeoutMsOf(client: OSS, given: number | string | undefined): number | undefined {
  // In ali-oss, 0 means no timeout.
  const timeout = given || internalsOf(client).options.timeout
  if (!timeout) return undefined
  const ms = humanizeMs(timeout)
  if (ms === undefined || !(ms > 0)) {
    throw invalid(`the timeout ${JSON.stringify(timeout)} is not a valid time`)
  }
  return Math.min(Math.ceil(ms), MAX_TIMER_MS)
}
