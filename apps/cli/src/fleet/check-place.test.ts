import { TransportError } from '@oss-cse/crypto-core'
import { MemoryTransport } from '@oss-cse/crypto-core/testing'
import { describe, expect, test } from 'vitest'
import { checkPlace } from './check-place.ts'

const AT_ONCE = { maxAttempts: 3, minDelayMs: 0, maxDelayMs: 0 }
const PLACE = { mode: 'unversioned' } as const

/** A bucket that never kept versions, of which so many requests fail first. */
function failingBucket(failures: number, retryable: boolean) {
  const transport = new MemoryTransport()
  let left = failures
  transport.intercept = () => {
    if (left-- > 0) throw new TransportError('ERR_CSE_SERVICE', 'No.', { status: 500, retryable })
  }
  return transport
}

describe('a request for the versioning that fails', () => {
  test('is repeated, so that a run does not end before it starts', async () => {
    const transport = failingBucket(2, true)
    await checkPlace(PLACE, 'demo', transport, { retry: AT_ONCE })
    expect(transport.requests.map(({ operation }) => operation)).toEqual(Array(3).fill('getVersioning'))
  })

  test('is repeated as often as the policy allows', async () => {
    const transport = failingBucket(3, true)
    await expect(checkPlace(PLACE, 'demo', transport, { retry: AT_ONCE })).rejects.toMatchObject({
      code: 'ERR_CSE_SERVICE',
    })
    expect(transport.requests).toHaveLength(3)
  })

  test('is not repeated if the service refuses it', async () => {
    const transport = failingBucket(1, false)
    await expect(checkPlace(PLACE, 'demo', transport, { retry: AT_ONCE })).rejects.toMatchObject({
      code: 'ERR_CSE_SERVICE',
    })
    expect(transport.requests).toHaveLength(1)
  })

  test('is not repeated after an abort', async () => {
    const transport = failingBucket(3, true)
    const controller = new AbortController()
    const fail = transport.intercept
    transport.intercept = (request) => {
      controller.abort(new Error('interrupted'))
      return fail?.(request)
    }
    const options = { retry: AT_ONCE, signal: controller.signal }
    await expect(checkPlace(PLACE, 'demo', transport, options)).rejects.toThrow('interrupted')
    expect(transport.requests).toHaveLength(1)
  })
})
