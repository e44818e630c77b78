import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { RecordedRequest } from './access-log.ts'
import type { FaultKind } from './faults.ts'
import { type KmsEmulator, startKmsEmulator } from './kms-emulator.ts'
import { acs3Call, type CallOptions, type CallResponse, rpcCall } from './testing/signed-call.ts'

let emulator: KmsEmulator

beforeEach(async () => {
  emulator = await startKmsEmulator()
})
afterEach(() => emulator.close())

const generate = (options: CallOptions = {}): Promise<CallResponse> =>
  rpcCall(emulator, 'GenerateDataKey', { KeyId: emulator.keyId }, options)

describe('an injected fault', () => {
  it.each([
    ['throttle', 400, 'Throttling.User'],
    ['rejected-throttling', 429, 'Rejected.Throttling'],
    ['status-500', 500, 'InternalFailure'],
    ['status-503', 503, 'ServiceUnavailableTemporary'],
    ['no-permission', 403, 'Forbidden.NoPermission'],
    ['clock-skew', 400, 'InvalidTimeStamp.Expired'],
  ] as const)('%s returns %i %s once', async (kind, status, code) => {
    emulator.injectFault({ kind })
    expect((await generate()).refusal).toEqual([status, code])
    expect(emulator.requests.at(-1)).toMatchObject({ fault: kind, status, errorCode: code })
    expect((await generate()).status).toBe(200)
  })

  it('html-502 returns the page of a gateway', async () => {
    emulator.injectFault({ kind: 'html-502' })
    const response = await generate()
    expect([response.status, response.headers['content-type']]).toEqual([502, 'text/html'])
    expect(response.text).toMatch(/^<html>/)
  })

  it('empty-answer and malformed-answer are successful responses without the requested fields', async () => {
    emulator.injectFault({ kind: 'empty-answer' })
    emulator.injectFault({ kind: 'malformed-answer' })
    expect(await generate()).toMatchObject({ status: 200, text: '{}' })
    const malformed = await generate()
    expect(malformed.status).toBe(200)
    const { Plaintext, CiphertextBlob, KeyId } = malformed.fields
    for (const field of [Plaintext, CiphertextBlob, KeyId]) expect(typeof field).not.toBe('string')
  })

  it('reset cuts the connection', async () => {
    emulator.injectFault({ kind: 'reset' })
    await expect(generate()).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect(emulator.requests.at(-1)).toMatchObject({ status: 0, fault: 'reset' })
    expect(emulator.requests.at(-1)?.endedAt).toBeGreaterThan(0)
  })

  it('slow returns the response of the operation', async () => {
    emulator.injectFault({ kind: 'slow', delayMs: 1 })
    expect((await generate()).status).toBe(200)
    expect(emulator.requests.at(-1)?.fault).toBe('slow')
  })

  it('stall never responds, and does not prevent close()', async () => {
    emulator.injectFault({ kind: 'stall' })
    const outcome = expect(generate()).rejects.toThrow()
    while (emulator.requests[0]?.fault === undefined) await new Promise((resolve) => setImmediate(resolve))
    await emulator.close()
    await outcome
    expect(emulator.requests[0]).toMatchObject({ status: 0, endedAt: expect.any(Number) })
  })

  it('affects only the named operation, `count` times, in the order of injection', async () => {
    emulator.injectFault({ kind: 'status-500', action: 'GenerateDataKey', count: 2 })
    emulator.injectFault({ kind: 'status-503' })
    expect((await rpcCall(emulator, 'ListKeys')).status).toBe(503)
    const statuses = [await generate(), await generate(), await generate()].map(({ status }) => status)
    expect(statuses).toEqual([500, 500, 200])
  })

  it.each(['throttle', 'html-502', 'reset'] as const satisfies readonly FaultKind[])(
    '%s uses up the nonce, so that the same request is a replay',
    async (kind) => {
      emulator.injectFault({ kind })
      await generate({ nonce: 'once' }).catch(() => undefined)
      expect((await generate({ nonce: 'once' })).refusal).toEqual([400, 'SignatureNonceUsed'])
    },
  )

  it('waits for a properly signed request', async () => {
    emulator.injectFault({ kind: 'throttle' })
    expect((await generate({ accessKeySecret: 'other' })).refusal[1]).toBe('SignatureDoesNotMatch')
    expect((await generate()).refusal[1]).toBe('Throttling.User')
  })
})

describe('latency', () => {
  const dealtWith = async (count: number): Promise<void> => {
    const isDone = ({ keyId, errorCode }: RecordedRequest): boolean => (keyId ?? errorCode) !== undefined
    while (emulator.requests.filter(isDone).length < count) {
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  it('delays each response, including refusals, and does not prevent close()', async () => {
    emulator.setLatency(3_600_000)
    const calls = Promise.allSettled([generate(), generate(), generate({ accessKeySecret: 'other' })])
    await dealtWith(3)
    expect(emulator.requests.map(({ status, endedAt }) => [status, endedAt])).toEqual(
      Array(3).fill([0, undefined]),
    )
    await emulator.close()
    expect((await calls).map(({ status }) => status)).toEqual(Array(3).fill('rejected'))
  })

  it('ends with a response and a record of the start and the end of the request', async () => {
    emulator.setLatency(1)
    expect((await generate()).status).toBe(200)
    const [{ startedAt, endedAt } = { startedAt: Number.NaN }] = emulator.requests
    expect(endedAt).toBeGreaterThanOrEqual(startedAt)
  })

  it('can be set as an option', async () => {
    const slow = await startKmsEmulator({ latencyMs: 3_600_000 })
    const outcome = expect(acs3Call(slow, 'ListKeys')).rejects.toThrow()
    while (slow.requests[0]?.action === undefined) await new Promise((resolve) => setImmediate(resolve))
    await slow.close()
    await outcome
  })
})
