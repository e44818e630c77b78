import { setTimeout as delay } from 'node:timers/promises'
import { CseError } from '@oss-cse/crypto-core'
import { describe, expect, test } from 'vitest'
import { withRetries } from '../src/with-retries.ts'

const AWAY = new Error('connect ECONNREFUSED')

/** A call that fails a number of times, and counts. */
function failing(times: number, error: Error = AWAY) {
  const state = { calls: 0 }
  const call = async (): Promise<string> => {
    state.calls++
    await delay(2)
    if (state.calls <= times) throw error
    return 'done'
  }
  return { state, call }
}

describe('withRetries', () => {
  test('repeats a call after a failure that may pass, as often as it is told', async () => {
    const { state, call } = failing(2)
    expect(await withRetries({ retries: 2 }, call)).toBe('done')
    expect(state.calls).toBe(3)
    await expect(withRetries({ retries: 1 }, failing(2).call)).rejects.toBe(AWAY)
  })

  test('does not repeat a call after another failure', async () => {
    const error = new CseError('ERR_CSE_LEASE_LOST', 'lost')
    const { state, call } = failing(1, error)
    await expect(withRetries({ retries: 2 }, call)).rejects.toBe(error)
    expect(state.calls).toBe(1)
  })

  test('does not repeat a call that failed late', async () => {
    const { state, call } = failing(1)
    await expect(withRetries({ retries: 2, withinMs: 0 }, call)).rejects.toBe(AWAY)
    expect(state.calls).toBe(1)
  })

  test('rejects with the failure when the signal aborts meanwhile', async () => {
    const stop = new AbortController()
    const { state, call } = failing(1)
    const repeated = withRetries({ retries: 2, signal: stop.signal }, call)
    stop.abort()
    await expect(repeated).rejects.toBe(AWAY)
    expect(state.calls).toBe(1)
  })

  test('after the signal has aborted calls once, and what was done counts', async () => {
    const signal = AbortSignal.abort()
    const { state, call } = failing(1)
    await expect(withRetries({ retries: 2, signal }, call)).rejects.toBe(AWAY)
    expect(await withRetries({ retries: 2, signal }, call)).toBe('done')
    expect(state.calls).toBe(2)
  })
})
