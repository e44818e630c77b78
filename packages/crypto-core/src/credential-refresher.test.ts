import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { CredentialRefresher } from './credential-refresher.ts'

const MINUTE_MS = 60_000
const KEYS = { accessKeyId: 'id', accessKeySecret: 'secret' }

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }))
afterEach(() => void vi.useRealTimers())

/** A provider of credentials that live for a time, and the number of its calls. */
function provider(expiration?: () => Date | string | number) {
  return { getCredential: vi.fn(async () => ({ ...KEYS, ...(expiration && { expiration: expiration() }) })) }
}
const inMinutes = (minutes: number) => new Date(Date.now() + minutes * MINUTE_MS)
const pass = (minutes: number) => void vi.setSystemTime(Date.now() + minutes * MINUTE_MS)

test.each([
  ['a date', () => inMinutes(60)],
  ['the text of STS', () => inMinutes(60).toISOString()],
  ['milliseconds', () => inMinutes(60).getTime()],
])('credentials are kept until five minutes before they expire, given as %s', async (_what, expiration) => {
  const source = provider(expiration)
  const refresher = new CredentialRefresher(source, { timeoutMs: MINUTE_MS })
  const first = await refresher.fresh()
  pass(54)
  expect(await refresher.fresh()).toBe(first)
  pass(1)
  expect(await refresher.fresh()).not.toBe(first)
  expect(source.getCredential).toHaveBeenCalledTimes(2)
})

test.each([undefined, () => 'soon', () => Number.NaN, () => inMinutes(4), () => inMinutes(-60)])(
  'credentials that expire soon, or do not say when, are kept for a minute: %o',
  async (expiration) => {
    const source = provider(expiration)
    const refresher = new CredentialRefresher(source, { timeoutMs: MINUTE_MS })
    const first = await refresher.fresh()
    pass(0.9)
    expect(await refresher.fresh()).toBe(first)
    pass(0.2)
    await refresher.fresh()
    expect(source.getCredential).toHaveBeenCalledTimes(2)
  },
)

test('the time of the service decides, where it is known', async () => {
  let aheadMs = 0
  const source = provider(() => inMinutes(60))
  const refresher = new CredentialRefresher(source, { timeoutMs: MINUTE_MS, now: () => Date.now() + aheadMs })
  await refresher.fresh()
  pass(2)
  aheadMs = 60 * MINUTE_MS
  await refresher.fresh()
  expect(source.getCredential).toHaveBeenCalledTimes(2)
})

test('refused credentials are asked for again, and those that replaced them are not', async () => {
  const source = provider(() => inMinutes(60))
  const refresher = new CredentialRefresher(source, { timeoutMs: MINUTE_MS })
  const first = await refresher.fresh()
  refresher.expire(first)
  const second = await refresher.fresh()
  refresher.expire(first)
  expect(await refresher.fresh()).toBe(second)
  expect(source.getCredential).toHaveBeenCalledTimes(2)
})
