import { appendFile, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MemoryTransport } from '@oss-cse/crypto-core/testing'
import { afterEach, describe, expect, test } from 'vitest'
import { FileReportStore } from '../report/file-report-store.node.ts'
import { ObjectReportStore } from '../report/object-report-store.ts'
import { IntentLog } from './intent-log.ts'
import { type Intent, type IntentEntry, type IntentStore, MemoryIntentStore } from './intent-store.ts'

const directories: string[] = []
const temporary = async (): Promise<string> => {
  const directory = await mkdtemp(join(tmpdir(), 'oss-cse-fleet-'))
  directories.push(directory)
  return directory
}
afterEach(async () => {
  for (const directory of directories.splice(0)) await rm(directory, { recursive: true })
})

const STORES: Record<string, () => Promise<IntentStore>> = {
  memory: async () => new MemoryIntentStore(),
  'a directory': async () => new FileReportStore({ directory: await temporary() }),
  'a bucket': async () => {
    const transport = new MemoryTransport()
    return new ObjectReportStore({ transport, catalog: transport, prefix: 'run/' })
  },
}

const intent = (key: string): Intent => ({
  key,
  versionId: 'v',
  lastModified: '2026-11-30T00:00:00.000Z',
  wrappedCek: `cek of ${key}`,
})
const entry = (key: string): IntentEntry => ({ ...intent(key), id: `id of ${key}` })
const byKey = (intents: readonly Intent[]) => intents.map(({ key }) => key).sort()
const intentsOf = async (store: IntentStore, shardName: string) =>
  (await store.readIntents(shardName)).flatMap(({ entries }) => entries)
const [A, B] = ['0000000000', '0000000001']

describe.each(Object.entries(STORES))('intents in %s', (_name, open) => {
  test('are kept of all workers, apart by shard, and in every detail', async () => {
    const store = await open()
    expect(await store.readIntents(A)).toEqual([])
    await store.addIntents(A, [entry('a\n"1'), entry('a2')])
    await store.addIntents(A, [entry('a3')])
    await store.addIntents(B, [entry('b')])
    expect(byKey(await intentsOf(store, A))).toEqual(['a\n"1', 'a2', 'a3'])
    expect(await intentsOf(store, B)).toEqual([entry('b')])
  })

  test('are read by the next log, which forgets those that are settled', async () => {
    const store = await open()
    const first = await IntentLog.open(store, A, {})
    await Promise.all(['a', 'b', 'c'].map((key) => first.record(intent(key))))
    const second = await IntentLog.open(store, A, {})
    expect(second.of('b')).toEqual([expect.objectContaining(intent('b'))])
    second.settled('b')
    expect(second.of('b')).toEqual([])
  })

  test('that are settled are noted with the next one, so that the next worker need not look again', async () => {
    const store = await open()
    const first = await IntentLog.open(store, A, {})
    for (const key of ['a', 'b', 'b']) await first.record(intent(key))
    first.settled('b')
    await first.record(intent('b'))
    const second = await IntentLog.open(store, A, {})
    expect([...second.openKeys].sort()).toEqual(['a', 'b'])
    expect(second.of('b')).toHaveLength(1)
  })

  test('are removed when all are settled, except those that another worker added meanwhile', async () => {
    const store = await open()
    await (await IntentLog.open(store, A, {})).record(intent('a'))
    const log = await IntentLog.open(store, A, {})
    await log.record(intent('b'))
    await (await IntentLog.open(store, A, {})).record(intent('c'))
    log.settled('a')
    await log.close({})
    expect(byKey(await intentsOf(store, A))).toEqual(['a', 'b', 'c'])
    log.settled('b')
    await log.close({})
    expect(byKey(await intentsOf(store, A))).toEqual(['c'])
    await store.removeIntents(A, [])
    await store.addIntents(A, [entry('d')])
    expect(byKey(await intentsOf(store, A))).toEqual(['c', 'd'])
  })
})

test('a record that another worker removes meanwhile is left out', async () => {
  const transport = new MemoryTransport()
  const store = new ObjectReportStore({ transport, catalog: transport, prefix: 'run/' })
  const [first] = [await store.addIntents(A, [entry('a')]), await store.addIntents(A, [entry('b')])]
  transport.intercept = async ({ operation, key }) => {
    if (operation !== 'get' || !key.includes(first)) return
    transport.intercept = undefined
    await store.removeIntents(A, [first])
  }
  expect(await intentsOf(store, A)).toEqual([entry('b')])
})

test('intents that arrive together are stored together, and each is durable when its call returns', async () => {
  const stored: (readonly IntentEntry[])[] = []
  const store = new MemoryIntentStore()
  const log = await IntentLog.open(
    {
      readIntents: (name) => store.readIntents(name),
      async addIntents(name, intents) {
        stored.push([...intents])
        return store.addIntents(name, intents)
      },
      removeIntents: (name, ids) => store.removeIntents(name, ids),
    },
    A,
    {},
  )
  const keys = Array.from({ length: 20 }, (_, i) => `k${String(i).padStart(2, '0')}`)
  await Promise.all(
    keys.map(async (key) => {
      await log.record(intent(key))
      expect(byKey(await intentsOf(store, A))).toContain(key)
    }),
  )
  expect(byKey(stored.flat())).toEqual(keys)
  expect(stored.length).toBeLessThan(5)
})

test('an intent that cannot be stored fails, and so does not lead to a write; the next one is stored', async () => {
  const store = new MemoryIntentStore()
  let broken = true
  const log = await IntentLog.open(
    {
      readIntents: (name) => store.readIntents(name),
      addIntents: async (name, intents) => {
        if (broken) throw new Error('no space')
        return store.addIntents(name, intents)
      },
      removeIntents: (name, ids) => store.removeIntents(name, ids),
    },
    A,
    {},
  )
  await expect(log.record(intent('a'))).rejects.toThrow('no space')
  broken = false
  await log.record(intent('b'))
  expect(byKey(await intentsOf(store, A))).toEqual(['b'])
})

test('in a directory, only this user reads them, and a record that cannot be read is an error', async () => {
  const directory = await temporary()
  const store = new FileReportStore({ directory })
  await store.addIntents(A, [entry('a')])
  const [name = ''] = await readdir(join(directory, 'intents', A))
  const path = join(directory, 'intents', A, name)
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  await appendFile(path, '{"key":')
  await expect(store.readIntents(A)).rejects.toMatchObject({ code: 'ERR_CSE_INVALID_ARGUMENT' })
})
