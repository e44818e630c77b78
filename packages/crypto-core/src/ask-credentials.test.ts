import { expect, test, vi } from 'vitest'
import { askCredentials } from './ask-credentials.ts'
import type { CredentialsProvider } from './ports.ts'

const timeoutMs = 60_000
const code = (value: string) => expect.objectContaining({ code: value })
const KEYS = { accessKeyId: 'id', accessKeySecret: 'secret' }

/** A provider whose calls a test resolves one by one. */
function asked() {
  const waiting: { resolve(value: unknown): void; reject(error: unknown): void }[] = []
  const getCredential = vi.fn(
    () => new Promise<never>((resolve, reject) => waiting.push({ resolve: resolve as never, reject })),
  )
  return {
    getCredential,
    answer: (value: unknown) => waiting.shift()?.resolve(value),
    fail: (error: unknown) => waiting.shift()?.reject(error),
  }
}

test('concurrent callers share one call and its result; a later caller starts another call', async () => {
  const provider = asked()
  const answers = Promise.all([1, 2, 3].map(() => askCredentials(provider, { timeoutMs })))
  provider.answer(KEYS)
  const [first, second] = await answers
  expect(first).toBe(second)
  expect(provider.getCredential).toHaveBeenCalledTimes(1)
  const again = askCredentials(provider, { timeoutMs })
  provider.answer({ ...KEYS, securityToken: 'token' })
  await expect(again).resolves.toEqual({ ...KEYS, securityToken: 'token' })
  expect(provider.getCredential).toHaveBeenCalledTimes(2)
})

test('of several failures in a row the first is thrown, until the provider succeeds', async () => {
  const provider = asked()
  const [first, second] = [new Error('nothing was found in five places'), new Error('ENOTFOUND undefined')]
  for (const failure of [first, second]) {
    const asking = askCredentials(provider, { timeoutMs })
    provider.fail(failure)
    await expect(asking).rejects.toBe(first)
  }
  const answered = askCredentials(provider, { timeoutMs })
  provider.answer(KEYS)
  await answered
  const later = askCredentials(provider, { timeoutMs })
  provider.fail(second)
  await expect(later).rejects.toBe(second)
})

test('a provider that does not return in time causes a timeout, and does not block the next caller', async () => {
  vi.useFakeTimers()
  try {
    const provider = asked()
    const first = askCredentials(provider, { timeoutMs: 1000 })
    const failed = expect(first).rejects.toMatchObject({ code: 'ERR_CSE_TIMEOUT', retryable: true })
    await vi.advanceTimersByTimeAsync(1000)
    await failed
    const second = askCredentials(provider, { timeoutMs: 1000 })
    expect(provider.getCredential).toHaveBeenCalledTimes(2)
    provider.answer({ ...KEYS, accessKeyId: 'late' })
    provider.answer(KEYS)
    await expect(second).resolves.toEqual(KEYS)
    expect(vi.getTimerCount()).toBe(0)
  } finally {
    vi.useRealTimers()
  }
})

test('an abort ends only the wait of its own caller, and leaves no timer', async () => {
  vi.useFakeTimers()
  try {
    const provider = asked()
    const controller = new AbortController()
    const aborted = askCredentials(provider, { timeoutMs, signal: controller.signal })
    const patient = askCredentials(provider, { timeoutMs })
    controller.abort('stop')
    await expect(aborted).rejects.toBe('stop')
    provider.answer(KEYS)
    await expect(patient).resolves.toEqual(KEYS)
    expect(vi.getTimerCount()).toBe(0)
  } finally {
    vi.useRealTimers()
  }
})

test('surrounding white space is removed; an empty token is absent', async () => {
  const provider: CredentialsProvider = {
    getCredential: async () => ({ accessKeyId: ' id\n', accessKeySecret: 'secret\r\n', securityToken: ' ' }),
  }
  await expect(askCredentials(provider, { timeoutMs })).resolves.toEqual(KEYS)
})

test.each<[unknown, string]>([
  [{ accessKeySecret: 'hidden' }, 'no accessKeyId.'],
  [{ accessKeyId: 'hidden', accessKeySecret: ' ' }, 'no accessKeySecret.'],
  [{ accessKeyId: 5, accessKeySecret: ['hidden'] }, 'no accessKeyId and no accessKeySecret.'],
  [undefined, 'no accessKeyId and no accessKeySecret.'],
])('the error names the missing parts, and no value: %j', async (given, said) => {
  const error = await askCredentials({ getCredential: async () => given as never }, { timeoutMs }).catch(
    (thrown: unknown) => thrown,
  )
  expect(error).toEqual(code('ERR_CSE_ACCESS_DENIED'))
  expect(String(error)).toContain(said)
  expect(String(error)).not.toContain('hidden')
})

test('a provider that throws synchronously is treated like one that rejects', async () => {
  const failure = new Error('no')
  const provider = {
    getCredential: (): never => {
      throw failure
    },
  }
  await expect(askCredentials(provider, { timeoutMs })).rejects.toBe(failure)
})
