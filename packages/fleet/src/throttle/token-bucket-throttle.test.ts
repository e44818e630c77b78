import { expect, test } from 'vitest'
import { FakeClock } from '../../test/fake-clock.ts'
import { throttledError } from '../../test/mixed-bucket.ts'
import { TokenBucketThrottle } from './token-bucket-throttle.ts'

function throttleOf(options: { requestsPerSecond?: number; bytesPerSecond?: number } = {}) {
  const clock = new FakeClock()
  return { clock, throttle: new TokenBucketThrottle({ requestsPerSecond: 10, clock, ...options }) }
}

/** The times at which that many requests at once may be sent. */
async function times({ clock, throttle }: ReturnType<typeof throttleOf>, count: number) {
  const requests = Array.from({ length: count }, async () => {
    await throttle.request()
    return Math.round(clock.now())
  })
  return clock.until(Promise.all(requests))
}

test('requests that come at once are sent one after another, at the rate', async () => {
  expect(await times(throttleOf(), 5)).toEqual([0, 0, 100, 200, 300])
})

test('bytes have a rate of their own, for chunks of any length, and none by default', async () => {
  const { clock, throttle } = throttleOf({ bytesPerSecond: 1000 })
  const transfer = async (sizeBytes: number) => {
    await throttle.transfer(sizeBytes)
    return clock.now()
  }
  expect(await clock.until(Promise.all([transfer(5000), transfer(100), transfer(1)]))).toEqual([
    0, 4900, 5000,
  ])
  const unlimited = throttleOf()
  await unlimited.throttle.transfer(1e12)
  await unlimited.throttle.transfer(1e12)
  expect(unlimited.clock.now()).toBe(0)
})

test('a throttled request stops all others for a second, and then they have half the rate', async () => {
  const made = throttleOf({ requestsPerSecond: 100 })
  made.throttle.throttled(throttledError())
  const [first = 0, second = 0] = await times(made, 2)
  expect(first).toBe(1000)
  expect(second - first).toBeGreaterThanOrEqual(19)
})

test('those that wait already are slowed down too', async () => {
  const { clock, throttle } = throttleOf({ requestsPerSecond: 1 })
  await throttle.request()
  const waiting = throttle.request()
  await new Promise((resolve) => setImmediate(resolve))
  throttle.throttled(throttledError({ qosDelayMs: 7000 }))
  await clock.until(waiting)
  expect(clock.now()).toBe(7000)
})

test.each([
  [2500, 2500],
  [0, 1000],
  [1e12, 60_000],
])('the service names a delay of %i ms: the pause is %i ms', async (qosDelayMs, pauseMs) => {
  const made = throttleOf()
  made.throttle.throttled(throttledError({ qosDelayMs }))
  expect(await times(made, 1)).toEqual([pauseMs])
})

test('a limit on traffic slows the bytes down, if they have a rate, and else the requests', async () => {
  const error = throttledError({ serviceCode: 'DownloadTrafficRateLimitExceeded' })
  const both = throttleOf({ bytesPerSecond: 1000 })
  both.throttle.throttled(error)
  await both.throttle.request()
  expect(both.clock.now()).toBe(0)
  await both.clock.until(both.throttle.transfer(1))
  expect(both.clock.now()).toBe(1000)
  const requests = throttleOf()
  requests.throttle.throttled(error)
  expect(await times(requests, 1)).toEqual([1000])
})

test('an abort ends the wait, and those behind keep their turn', async () => {
  const { clock, throttle } = throttleOf({ requestsPerSecond: 1 })
  const controller = new AbortController()
  const sent: string[] = []
  const request = async (name: string, signal?: AbortSignal) => {
    await throttle.request({ signal })
    sent.push(`${name} ${clock.now()}`)
  }
  await request('first')
  const aborted = Promise.allSettled([
    request('sleeping', controller.signal),
    request('queued', controller.signal),
  ])
  const last = request('last')
  await new Promise((resolve) => setImmediate(resolve))
  controller.abort(new Error('enough'))
  expect(await aborted).toMatchObject([{ reason: { message: 'enough' } }, { reason: { message: 'enough' } }])
  await clock.until(last)
  expect(sent).toEqual(['first 0', 'last 900'])
  await expect(throttle.request({ signal: controller.signal })).rejects.toThrow('enough')
})

test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('a rate of %d is refused', (rate) => {
  const invalid = expect.objectContaining({ code: 'ERR_CSE_INVALID_ARGUMENT' })
  expect(() => new TokenBucketThrottle({ requestsPerSecond: rate })).toThrow(invalid)
  expect(() => new TokenBucketThrottle({ requestsPerSecond: 1, bytesPerSecond: rate })).toThrow(invalid)
})

test('the real clock waits, and can be aborted', async () => {
  const throttle = new TokenBucketThrottle({ requestsPerSecond: 0.001 })
  await throttle.request()
  const controller = new AbortController()
  const waiting = throttle.request({ signal: controller.signal })
  controller.abort(new Error('enough'))
  await expect(waiting).rejects.toThrow('enough')
  const quick = new TokenBucketThrottle({ requestsPerSecond: 200 })
  for (let i = 0; i < 25; i++) await quick.request()
})
