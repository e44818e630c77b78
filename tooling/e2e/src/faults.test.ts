import { CseError } from '@oss-cse/crypto-core'
import type { FaultKind } from '@oss-cse/oss-emulator'
import { describe, expect, test } from 'vitest'
import { bucketOf, random, withEmulator } from './emulated-bucket.ts'

const code = (value: string) => expect.objectContaining({ code: value })

describe('an upload of bytes survives', () => {
  test.each<FaultKind>([
    'status-500',
    'status-503',
    'reset-before',
    'reset-during-request',
    'reset-after',
    'wrong-crc',
    'slow',
  ])('%s', (kind) =>
    withEmulator(async (emulator) => {
      const bucket = bucketOf(emulator)
      const bytes = random(2_000_000)
      emulator.injectFault({ method: 'PUT', kind })
      await bucket.put('a', bytes)
      expect(await bucket.getBytes('a')).toEqual(bytes)
    }),
  )
})

describe('a download survives', () => {
  test.each<FaultKind>([
    'status-500',
    'status-503',
    'reset-before',
    'reset-during-response',
    'truncate-response',
    'slow',
  ])('%s', (kind) =>
    withEmulator(async (emulator) => {
      const bucket = bucketOf(emulator)
      const bytes = random(2_000_000)
      await bucket.put('a', bytes)
      for (const options of [{}, { range: '1000-1500000' }]) {
        const expected = await bucket.getBytes('a', options)
        emulator.injectFault({ method: 'GET', kind })
        expect(await bucket.getBytes('a', options)).toEqual(expected)
      }
    }),
  )
})

test('bytes corrupted on the way are never taken for whole', () =>
  withEmulator(async (emulator) => {
    const bucket = bucketOf(emulator)
    await bucket.put('a', random(500_000))
    emulator.injectFault({ method: 'GET', kind: 'corrupt-body' })
    await expect(bucket.getBytes('a')).rejects.toEqual(code('ERR_CSE_INTEGRITY'))
  }))

test('a server that goes silent is a timeout, sending and reading', () =>
  withEmulator(async (emulator) => {
    await bucketOf(emulator).put('a', random(1000))
    const bucket = bucketOf(emulator, { idleTimeoutMs: 200 }, { retry: { maxAttempts: 1 } })
    for (const call of [
      () => bucket.put('a', random(1000)),
      () => bucket.getBytes('a'),
      () => bucket.head('a'),
    ]) {
      emulator.injectFault({ kind: 'stall' })
      await expect(call()).rejects.toEqual(code('ERR_CSE_TIMEOUT'))
    }
  }))

test('an upload cut off half-way leaves the object as it was', () =>
  withEmulator(async (emulator) => {
    const bucket = bucketOf(emulator, {}, { retry: { maxAttempts: 1 } })
    await bucket.put('a', 'old')
    emulator.injectFault({ method: 'PUT', kind: 'reset-during-request' })
    await expect(bucket.put('a', random(3_000_000))).rejects.toEqual(code('ERR_CSE_NETWORK'))
    expect(new TextDecoder().decode(await bucket.getBytes('a'))).toBe('old')
  }))

test('with one request in five failing at random, every object arrives intact or fails with a CseError', () =>
  withEmulator(
    async (emulator) => {
      const bucket = bucketOf(emulator, {}, { retry: { maxAttempts: 8, minDelayMs: 1, maxDelayMs: 10 } })
      const outcomes = await Promise.all(
        Array.from({ length: 40 }, async (_, index) => {
          const bytes = random(index * 20_011)
          try {
            await bucket.put(`k${index}`, bytes)
            expect(await bucket.getBytes(`k${index}`)).toEqual(bytes)
            return 'intact'
          } catch (error) {
            if (CseError.isInstance(error)) return 'refused'
            throw error
          }
        }),
      )
      expect(outcomes.filter((outcome) => outcome === 'intact').length).toBeGreaterThan(30)
    },
    { faults: { rate: 0.2, seed: 7, slowMs: 5 } },
  ))
