import { TransportError } from '@oss-cse/crypto-core'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { arbitraryBucket } from '../../test/arbitrary-objects.ts'
import { all, KEY_NAMES, KINDS, mixedBucket, QUICK } from '../../test/mixed-bucket.ts'
import type { ReportRow } from '../report/report-row.ts'
import { auditShard } from './audit-shard.ts'
import { verifyShard } from './verify-shard.ts'

const code = (value: string) => expect.objectContaining({ code: value })
const WHOLE = { index: 0 }
const object = (key: string, more: object = {}) =>
  ({ key, kind: 'ctr', mishap: 'none', sizeBytes: 10, ...more }) as const

describe.each(['audited', 'verified'] as const)('objects that are %s', (command) => {
  test('each have one row, in the order of the keys, with the outcome of their kind', async () => {
    await fc.assert(
      fc.asyncProperty(
        arbitraryBucket,
        fc.integer({ min: 1, max: 4 }),
        async ({ objects, shards }, parallel) => {
          const { transport, bucket } = await mixedBucket(objects)
          const options = { catalog: transport, transport, bucket, parallel, retry: QUICK }
          const rows: ReportRow[] = []
          for (const shard of shards) {
            rows.push(
              ...(await all(
                command === 'audited' ? auditShard(shard, options) : verifyShard(shard, options),
              )),
            )
          }
          expect(rows.map(({ key, outcome }) => [key, outcome])).toEqual(
            objects.map(({ key, kind, mishap }) => [
              key,
              { vanishes: 'gone', breaks: 'failed' }[mishap as string] ?? KINDS[kind][command],
            ]),
          )
        },
      ),
      { numRuns: 60 },
    )
  })

  test('are those of one range: after its start, and up to its end', async () => {
    const { transport, bucket } = await mixedBucket(['a', 'b', 'b/1', 'b/2', 'c'].map((key) => object(key)))
    const options = { catalog: transport, transport, bucket, prefix: 'b' }
    const shard = { index: 1, after: 'b', until: 'b/1' }
    const rows = await all(command === 'audited' ? auditShard(shard, options) : verifyShard(shard, options))
    expect(rows.map(({ key }) => key)).toEqual(['b/1'])
  })

  test('fail as a whole when the listing fails', async () => {
    const { transport, bucket } = await mixedBucket([object('a')])
    const refusal = new TransportError('ERR_CSE_ACCESS_DENIED', 'No.', { retryable: false })
    const catalog = { list: () => Promise.reject(refusal) }
    const options = { catalog, transport, bucket }
    const rows = command === 'audited' ? auditShard(WHOLE, options) : verifyShard(WHOLE, options)
    await expect(all(rows)).rejects.toBe(refusal)
  })

  test('fail as a whole when the bucket does not exist', async () => {
    const { transport, bucket } = await mixedBucket([object('a'), object('b')])
    const missing = new TransportError('ERR_CSE_NOT_FOUND', 'No.', {
      retryable: false,
      serviceCode: 'NoSuchBucket',
    })
    transport.intercept = ({ operation }) => {
      if (operation !== 'list') throw missing
    }
    const options = { catalog: transport, transport, bucket }
    const rows = command === 'audited' ? auditShard(WHOLE, options) : verifyShard(WHOLE, options)
    await expect(all(rows)).rejects.toEqual(code('ERR_CSE_NOT_FOUND'))
  })

  test('are aborted together, and no request is left behind', async () => {
    const { transport, bucket } = await mixedBucket(['a', 'b', 'c', 'd'].map((key) => object(key)))
    const controller = new AbortController()
    const reason = new Error('enough')
    let sent = 0
    let running = 0
    transport.intercept = async ({ operation }) => {
      if (operation === 'list') return
      sent += 1
      running += 1
      if (sent === 3) controller.abort(reason)
      await new Promise((resolve) => setImmediate(resolve))
      running -= 1
    }
    const options = { catalog: transport, transport, bucket, parallel: 3, signal: controller.signal }
    const rows = command === 'audited' ? auditShard(WHOLE, options) : verifyShard(WHOLE, options)
    await expect(all(rows)).rejects.toBe(reason)
    expect(running).toBe(0)
  })

  test('are not read any further when the reader of the rows stops', async () => {
    const keys = Array.from({ length: 50 }, (_, i) => `k${String(i).padStart(2, '0')}`)
    const { transport, bucket } = await mixedBucket(keys.map((key) => object(key)))
    const options = { catalog: transport, transport, bucket, parallel: 2 }
    const rows = command === 'audited' ? auditShard(WHOLE, options) : verifyShard(WHOLE, options)
    for await (const { key } of rows) {
      expect(key).toBe('k00')
      break
    }
    const sent = transport.requests.length
    expect(sent).toBeLessThan(10)
    await new Promise((resolve) => setImmediate(resolve))
    expect(transport.requests.length).toBe(sent)
  })

  test.each([0, -1, 1.5, Number.NaN])('are refused before any request with parallel %d', async (parallel) => {
    const { transport, bucket } = await mixedBucket([])
    const options = { catalog: transport, transport, bucket, parallel }
    const rows = command === 'audited' ? auditShard(WHOLE, options) : verifyShard(WHOLE, options)
    await expect(all(rows)).rejects.toEqual(code('ERR_CSE_INVALID_ARGUMENT'))
    expect(transport.requests).toEqual([])
  })
})

describe('auditShard', () => {
  test('tells format, key, lengths and attributes of an object, without reading it', async () => {
    const { transport } = await mixedBucket([
      object('ctr'),
      object('plain', { kind: 'plain' }),
      object('sealed', { kind: 'sealed' }),
      object('v1', { kind: 'v1' }),
    ])
    const rows = await all(auditShard(WHOLE, { catalog: transport, transport }))
    const lastModified = '1970-01-01T00:00:00.000Z'
    const v2 = { envelopeVersion: 2, wrapAlgorithm: 'TEST/AES-KW', materialDescription: KEY_NAMES }
    expect(rows).toMatchObject([
      { ...v2, key: 'ctr', outcome: 'encrypted', format: 'aes-ctr', sizeBytes: 10, lastModified },
      { key: 'plain', outcome: 'plain', sizeBytes: 10 },
      { ...v2, key: 'sealed', format: 'sealed', sizeBytes: 66, unencryptedContentLength: 10 },
      { key: 'v1', envelopeVersion: 1, format: 'aes-ctr', wrapAlgorithm: 'TEST/V1', materialDescription: {} },
    ])
    expect(transport.requests.map(({ operation }) => operation)).toEqual([
      'list',
      'head',
      'head',
      'head',
      'head',
    ])
  })

  test('names the code and the request of a failure, and repeats a request as often as it is told', async () => {
    const { transport } = await mixedBucket([object('a')])
    const denied = new TransportError('ERR_CSE_ACCESS_DENIED', 'a is not for you.', {
      retryable: true,
      serviceCode: 'AccessDenied',
      requestId: 'ID',
    })
    transport.intercept = ({ operation }) => {
      if (operation === 'head') throw denied
    }
    const [row] = await all(auditShard(WHOLE, { catalog: transport, transport, retry: QUICK }))
    expect(row).toEqual({
      key: 'a',
      outcome: 'failed',
      code: 'ERR_CSE_ACCESS_DENIED',
      serviceCode: 'AccessDenied',
      requestId: 'ID',
      sizeBytes: 10,
      lastModified: '1970-01-01T00:00:00.000Z',
      ...(row?.storageClass !== undefined && { storageClass: row.storageClass }),
    })
    expect(transport.requests.length).toBe(1 + QUICK.maxAttempts)
  })

  test('takes the length from the HEAD, because the object may have changed since it was listed', async () => {
    const { transport } = await mixedBucket([object('a')])
    transport.intercept = ({ operation }) => {
      if (operation === 'head') void transport.plant('a', new Uint8Array(3))
    }
    expect(await all(auditShard(WHOLE, { catalog: transport, transport }))).toMatchObject([
      { outcome: 'plain', sizeBytes: 3 },
    ])
  })

  test('has no more requests under way than it is told', async () => {
    const { transport } = await mixedBucket(Array.from({ length: 40 }, (_, i) => object(`k${i}`)))
    let running = 0
    let most = 0
    const head = vi.spyOn(transport, 'head').mockImplementation(async () => {
      running += 1
      most = Math.max(most, running)
      await new Promise((resolve) => setImmediate(resolve))
      running -= 1
      return { status: 200, headers: {} }
    })
    await all(auditShard(WHOLE, { catalog: transport, transport, parallel: 5 }))
    expect(head).toHaveBeenCalledTimes(40)
    expect(most).toBe(5)
  })
})
