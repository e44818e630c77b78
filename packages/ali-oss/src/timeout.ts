import { MAX_TIMER_MS } from '@oss-cse/crypto-core/internal'
import type OSS from 'ali-oss'
import humanizeMs from 'humanize-ms'
import { internalsOf } from './ali-oss-internals.ts'
import { invalid } from './request-options.ts'

/**
 * How long nothing may move, in milliseconds: what a call was given, or else its client.
 *
 * @returns `undefined` where neither says so
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for what is no length of time
 */
export function timeoutMsOf(client: OSS, given: number | string | undefined): number | undefined {
  // ali-oss takes 0 for none given.
  const timeout = given || internalsOf(client).options.timeout
  if (!timeout) return undefined
  const ms = humanizeMs(timeout)
  if (ms === undefined || !(ms > 0)) {
    throw invalid(`the timeout ${JSON.stringify(timeout)} is no length of time`)
  }
  return Math.min(Math.ceil(ms), MAX_TIMER_MS)
}
