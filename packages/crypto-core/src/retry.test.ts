import { expect, test } from 'vitest'
import { CseError, TransportError } from './errors.ts'
import { callWithRetries, checkedRetryOptions, isRetryable } from './retry.ts'

const retry = checkedRetryOptions({ maxAttempts: 3, minDelayMs: 0, maxDelayMs: 0 })
const down = (options: { retryable: boolean; retriesExhausted?: boolean }) =>
  new TransportError('ERR_CSE_SERVICE', 'down', options)

function failing(...failures: readonly unknown[]) {
  const left = [...failures]
  let calls = 0
  return {
    get calls() {
      return calls
    },
    async call() {
      calls += 1
      if (left.length > 0) throw left.shift()
      return 'done'
    },
  }
}

test('a call is repeated while its failure is retryable, and each retry is reported', async () => {
  const service = failing(down({ retryable: true }), down({ retryable: true }))
  const told: number[] = []
  const onRetry = (_error: unknown, attempt: number): void => void told.push(attempt)
  await expect(callWithRetries(() => service.call(), { retry, signal: undefined, onRetry })).resolves.toBe(
    'done',
  )
  expect(service.calls).toBe(3)
  expect(told).toEqual([1, 2])
})

test('the last failure is thrown when the attempts are used up', async () => {
  const last = down({ retryable: true })
  const service = failing(down({ retryable: true }), down({ retryable: true }), last)
  await expect(callWithRetries(() => service.call(), { retry, signal: undefined })).rejects.toBe(last)
  expect(service.calls).toBe(3)
})

test.each([
  ['a final failure', down({ retryable: false })],
  ['a failure whose retries are exhausted', down({ retryable: true, retriesExhausted: true })],
  ['an error of another class', new CseError('ERR_CSE_UNWRAP_FAILED', 'no')],
  ['a TypeError', new TypeError('fetch failed')],
  ['a value that is not an error', 'text'],
])('a failure is not retried: %s', async (_name, failure) => {
  const service = failing(failure)
  await expect(callWithRetries(() => service.call(), { retry, signal: undefined })).rejects.toBe(failure)
  expect(service.calls).toBe(1)
  expect(isRetryable(failure)).toBe(false)
})

const refused = (code: 'ERR_CSE_CREDENTIALS_EXPIRED' | 'ERR_CSE_ACCESS_DENIED', retryable: boolean) =>
  new TransportError(code, 'refused', { retryable, status: 403 })

test('a call with refused credentials is repeated once with newer ones, even if nothing else is repeated', async () => {
  const once = {
    retry: checkedRetryOptions({ maxAttempts: 1, minDelayMs: 0, maxDelayMs: 0 }),
    signal: undefined,
  }
  for (const code of ['ERR_CSE_CREDENTIALS_EXPIRED', 'ERR_CSE_ACCESS_DENIED'] as const) {
    const told: number[] = []
    const service = failing(refused(code, true))
    const onRetry = (_error: unknown, attempt: number): void => void told.push(attempt)
    await expect(callWithRetries(() => service.call(), { ...once, onRetry })).resolves.toBe('done')
    expect([service.calls, told]).toEqual([2, [1]])

    const again = refused(code, true)
    const stubborn = failing(refused(code, true), again)
    await expect(callWithRetries(() => stubborn.call(), once)).rejects.toBe(again)
    expect(stubborn.calls).toBe(2)

    for (const context of [once, { ...once, mayRetry: () => false }]) {
      const final = refused(code, context !== once)
      const service = failing(final)
      await expect(callWithRetries(() => service.call(), context)).rejects.toBe(final)
      expect(service.calls).toBe(1)
    }
  }
  // Even if other failures were retried: a second refusal shows that the newer credentials are no better.
  const twice = failing(
    refused('ERR_CSE_CREDENTIALS_EXPIRED', true),
    refused('ERR_CSE_CREDENTIALS_EXPIRED', true),
  )
  await expect(callWithRetries(() => twice.call(), { retry, signal: undefined })).rejects.toMatchObject({
    status: 403,
  })
  expect(twice.calls).toBe(2)
  const throttled = new TransportError('ERR_CSE_THROTTLED', 'slow', { retryable: true, status: 403 })
  const busy = failing(throttled)
  await expect(callWithRetries(() => busy.call(), once)).rejects.toBe(throttled)
  expect(busy.calls).toBe(1)
})

test('an abort ends the wait between two attempts, with the signal’s reason', async () => {
  const controller = new AbortController()
  const service = failing(down({ retryable: true }))
  const waiting = callWithRetries(() => service.call(), {
    retry: { maxAttempts: 2, minDelayMs: 3_600_000, maxDelayMs: 3_600_000 },
    signal: controller.signal,
    onRetry: () => queueMicrotask(() => controller.abort('stop')),
  })
  await expect(waiting).rejects.toBe('stop')
  expect(service.calls).toBe(1)
})

test.each([
  { maxAttempts: 0 },
  { maxAttempts: 1.5 },
  { minDelayMs: -1 },
  { minDelayMs: 5, maxDelayMs: 4 },
  { maxDelayMs: 2 ** 31 },
  { minDelayMs: Number.NaN },
])('invalid options are refused: %j', (options) => {
  expect(() => checkedRetryOptions(options)).toThrow(
    expect.objectContaining({ code: 'ERR_CSE_INVALID_ARGUMENT' }),
  )
})
