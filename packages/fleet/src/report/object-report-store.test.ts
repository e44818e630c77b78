import { MemoryTransport } from '@oss-cse/crypto-core/testing'
import { expect, test } from 'vitest'
import { all, each, networkError, QUICK } from '../../test/mixed-bucket.ts'
import { reportStoreContract } from '../../test/report-store-contract.ts'
import { ObjectReportStore } from './object-report-store.ts'

const PART = '0000000000-0001'
const prefix = 'fleet/run/'

function opened() {
  const transport = new MemoryTransport()
  const store = new ObjectReportStore({ transport, catalog: transport, prefix, retry: QUICK })
  const result = async (name: string): Promise<string> =>
    new TextDecoder().decode(transport.objects.get(prefix + name)?.bytes)
  return { transport, store, result }
}

reportStoreContract('ObjectReportStore', async () => opened())

test('parts are objects under the prefix', async () => {
  const { transport, store } = opened()
  await transport.plant('fleet/run/parts/notes.txt', new Uint8Array(1))
  await transport.plant('fleet/run2/parts/0000000001-0001.jsonl', new Uint8Array(1))
  await store.writePart(PART, each(['a', 'b']))
  expect(new TextDecoder().decode(transport.objects.get(`fleet/run/parts/${PART}.jsonl`)?.bytes)).toBe(
    'a\nb\n',
  )
  expect(await all(store.partNames())).toEqual([PART])
})

test('each request is repeated', async () => {
  const { transport, store, result } = opened()
  const failed = new Set<string>()
  transport.intercept = ({ operation, partNumber }) => {
    const request = `${operation} ${partNumber ?? ''}`
    if (failed.has(request)) return
    failed.add(request)
    throw networkError()
  }
  await store.writePart(PART, each(['a']))
  expect(await all(store.readPart(PART))).toEqual(['a'])
  expect(await all(store.partNames())).toEqual([PART])
  const text = 'x'.repeat(9 * 1024 ** 2)
  await store.writeResult('report.csv', each([text, 'y']))
  expect((await result('report.csv')) === `${text}y`).toBe(true)
  expect([...failed].sort()).toEqual(
    ['complete ', 'get ', 'initiate ', 'list ', 'put ', 'uploadPart 1', 'uploadPart 2'].sort(),
  )
})

test('a large result that fails leaves no upload behind', async () => {
  const { transport, store } = opened()
  transport.intercept = ({ partNumber }) => {
    if (partNumber === 2) throw networkError()
  }
  const text = 'x'.repeat(9 * 1024 ** 2)
  await expect(store.writeResult('report.csv', each([text, text]))).rejects.toMatchObject({
    code: 'ERR_CSE_NETWORK',
  })
  expect((await transport.listUploads({})).uploads).toEqual([])
  expect(transport.objects.size).toBe(0)
})

test('other bytes than those that were sent are noticed', async () => {
  const { transport, store } = opened()
  const put = transport.put.bind(transport)
  transport.put = async (request) => {
    const response = await put(request)
    return { ...response, headers: { ...response.headers, 'x-oss-hash-crc64ecma': '1' } }
  }
  await expect(store.writePart(PART, each(['a']))).rejects.toMatchObject({ code: 'ERR_CSE_INTEGRITY' })
})
