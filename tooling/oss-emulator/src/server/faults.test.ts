import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type OssEmulator, startOssEmulator } from '../emulator.ts'
import { rawRequest, signedRequest } from '../testing/signed-request.ts'
import type { FaultInjection } from './faults.ts'

let emulator: OssEmulator

beforeEach(async () => {
  emulator = await startOssEmulator()
  await emulator.putStoredObject('demo', 'old', { bytes: Buffer.from('old content') })
})
afterEach(() => emulator.close())

const put = (): ReturnType<typeof signedRequest> =>
  signedRequest(emulator, { method: 'PUT', key: 'old', body: Buffer.alloc(300_000) })
const get = (): ReturnType<typeof signedRequest> => signedRequest(emulator, { key: 'old' })
const stored = async (): Promise<number | undefined> =>
  (await emulator.getStoredObject('demo', 'old'))?.bytes.length

describe('an injected fault', () => {
  it.each([
    ['status-500', 500, 'InternalError'],
    ['status-503', 503, 'ServiceUnavailable'],
  ] as const)('%s returns an error once and stores nothing', async (kind, status, code) => {
    emulator.injectFault({ kind, method: 'PUT' })
    const response = await put()
    expect([response.status, response.element('Code'), await stored()]).toEqual([status, code, 11])
    expect((await put()).status).toBe(200)
  })

  it('of kind status returns it once, with a document if it has a code, and stores nothing', async () => {
    emulator.injectFault({ kind: 'status', status: 408, code: 'RequestTimeout', method: 'PUT' })
    const told = await put()
    expect([told.status, told.element('Code'), await stored()]).toEqual([408, 'RequestTimeout', 11])
    emulator.injectFault({ kind: 'status', method: 'PUT' })
    const bare = await put()
    expect([bare.status, bare.body.length, await stored()]).toEqual([502, 0, 11])
    expect((await put()).status).toBe(200)
  })

  it.each(['status', 'status-503'] as const)('of kind %s can report a throttling time', async (kind) => {
    emulator.injectFault({ kind, status: 503, qosDelayMs: 120 })
    expect((await put()).headers['x-oss-qos-delay-time']).toBe('120')
    emulator.injectFault({ kind, status: 503 })
    expect((await put()).headers['x-oss-qos-delay-time']).toBeUndefined()
  })

  it('that was cleared hits no request', async () => {
    emulator.injectFault({ kind: 'status-500', count: 2 })
    emulator.injectFault({ kind: 'status-503', method: 'PUT' })
    expect((await put()).status).toBe(500)
    emulator.clearFaults()
    expect((await put()).status).toBe(200)
  })

  it.each(['reset-before', 'reset-during-request'] as const)(
    '%s resets the connection and keeps the old object',
    async (kind) => {
      emulator.injectFault({ kind, afterBytes: 1000 })
      await expect(put()).rejects.toThrow()
      expect(await stored()).toBe(11)
    },
  )

  it('reset-after stores the object and resets the connection', async () => {
    emulator.injectFault({ kind: 'reset-after' })
    await expect(put()).rejects.toThrow()
    expect(await stored()).toBe(300_000)
  })

  it.each(['reset-during-response', 'truncate-response'] as const)('%s ends the body early', async (kind) => {
    emulator.injectFault({ kind, afterBytes: 4 })
    await expect(get()).rejects.toThrow(/aborted|ECONNRESET|hang up/)
    expect(emulator.requests.at(-1)).toMatchObject({ status: 200, bytesOut: 4, fault: kind })
    expect((await get()).body.toString()).toBe('old content')
  })

  it('wrong-crc changes only the checksum', async () => {
    const right = (await get()).headers['x-oss-hash-crc64ecma']
    emulator.injectFault({ kind: 'wrong-crc' })
    const response = await get()
    expect(response.headers['x-oss-hash-crc64ecma']).not.toBe(right)
    expect(response.body.toString()).toBe('old content')
  })

  it('corrupt-body flips one bit of the response, not of the object', async () => {
    emulator.injectFault({ kind: 'corrupt-body', afterBytes: 1 })
    expect((await get()).body.toString()).toBe('omd content')
    expect((await get()).body.toString()).toBe('old content')
  })

  it('slow does not change the response', async () => {
    emulator.injectFault({ kind: 'slow', delayMs: 1 })
    expect((await get()).body.toString()).toBe('old content')
  })

  it('stall never sends a response, and the emulator can still close', async () => {
    emulator.injectFault({ kind: 'stall' })
    const response = get()
    const outcome = expect(response).rejects.toThrow()
    while (emulator.requests.length === 0) await new Promise((resolve) => setImmediate(resolve))
    await emulator.close()
    await outcome
  })

  it('hits only matching requests, as often as its count', async () => {
    const injection: FaultInjection = { kind: 'status-500', method: 'GET', key: 'old', count: 2 }
    emulator.injectFault(injection)
    emulator.injectFault({ kind: 'status-503', key: 'a b/ü' })
    expect((await put()).status).toBe(200)
    expect([(await get()).status, (await get()).status, (await get()).status]).toEqual([500, 500, 200])
    expect((await signedRequest(emulator, { key: 'a b/ü' })).status).toBe(503)
  })
})

describe('random faults', () => {
  const run = async (seed: number): Promise<readonly unknown[]> => {
    const random = await startOssEmulator({
      faults: { rate: 0.5, seed, kinds: ['status-500', 'status-503'] },
    })
    const statuses: number[] = []
    for (let i = 0; i < 20; i++)
      statuses.push((await rawRequest(random.port, { path: `/demo/${i % 4}` })).status)
    await random.close()
    return statuses
  }

  it('are the same for the same seed and requests, and differ for another seed', async () => {
    const first = await run(1)
    expect(await run(1)).toEqual(first)
    expect(await run(2)).not.toEqual(first)
    expect(new Set(first)).toEqual(new Set([403, 500, 503]))
  })
})
