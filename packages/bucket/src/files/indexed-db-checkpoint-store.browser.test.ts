import { afterEach, describe, expect, test, vi } from 'vitest'
import { checkpointStoreContract } from '../../test/checkpoint-store-contract.ts'
import { IndexedDbCheckpointStore } from './indexed-db-checkpoint-store.web.ts'

const code = (value: string) => expect.objectContaining({ code: value })
let database = 0

/** Stores over one database, which no other test has. */
function stores(options: { readonly waitMs?: number } = { waitMs: 0 }) {
  database += 1
  const settings = { database: `tests ${crypto.randomUUID()} ${database}`, ...options }
  return {
    store: new IndexedDbCheckpointStore(settings),
    other: new IndexedDbCheckpointStore(settings),
    settings,
  }
}

afterEach(() => {
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

checkpointStoreContract(stores)

describe('a store in IndexedDB', () => {
  test('knows whether there is a record without its lock', async () => {
    const { store, other } = stores()
    expect(await store.has('a')).toBe(false)
    const checkpoint = await store.open('a')
    await checkpoint.save(1)
    expect([await other.has('a'), await other.has('b')]).toEqual([true, false])
    await checkpoint.remove()
    expect(await other.has('a')).toBe(false)
    await checkpoint.close()
  })

  test('waits for a record that another tab has open', async () => {
    const { store, other } = stores({ waitMs: 60_000 })
    const first = await store.open('a')
    const second = other.open('a')
    await first.save('of the first')
    await first.close()
    expect(await (await second).load()).toBe('of the first')
    await (await second).close()
  })

  test('waits no longer than the signal, and then leaves the record free', async () => {
    const { store, other } = stores({ waitMs: 60_000 })
    const first = await store.open('a')
    const controller = new AbortController()
    const second = other.open('a', { signal: controller.signal })
    const reason = new Error('stop')
    controller.abort(reason)
    await expect(second).rejects.toBe(reason)
    await expect(other.open('b', { signal: controller.signal })).rejects.toBe(reason)
    await first.close()
    await (await store.open('a')).close()
  })

  test('waits for the given time only', async () => {
    const { store, other } = stores({ waitMs: 5 })
    const first = await store.open('a')
    await expect(other.open('a')).rejects.toEqual(code('ERR_CSE_CHECKPOINT_IN_USE'))
    await first.close()
  })

  test('flushes each change to disk', async () => {
    const { store } = stores()
    const checkpoint = await store.open('a')
    const transaction = vi.spyOn(IDBDatabase.prototype, 'transaction')
    await checkpoint.save(1)
    await store.localKey('a')
    await checkpoint.remove()
    const writing = transaction.mock.calls.filter(([, mode]) => mode === 'readwrite')
    expect(writing.map(([, , options]) => options?.durability)).toEqual(['strict', 'strict', 'strict'])
    await checkpoint.close()
  })

  test('removes record and local key in one step', async () => {
    const { store } = stores()
    const checkpoint = await store.open('a')
    await checkpoint.save(1)
    await store.localKey('a')
    const transaction = vi.spyOn(IDBDatabase.prototype, 'transaction')
    await checkpoint.remove()
    expect(transaction.mock.calls).toHaveLength(1)
    await checkpoint.close()
  })

  test.each(['', 'A', '../a', 'a b', 'a'.repeat(101)])('refuses the name %j', async (name) => {
    await expect(stores().store.open(name)).rejects.toEqual(code('ERR_CSE_INVALID_ARGUMENT'))
  })

  test.each([-1, Number.NaN])('refuses to wait for %f milliseconds', (waitMs) => {
    expect(() => new IndexedDbCheckpointStore({ waitMs })).toThrow(code('ERR_CSE_INVALID_ARGUMENT'))
  })

  test('that cannot be used says so, and frees the record', async () => {
    const { store } = stores()
    const failure = new DOMException('', 'UnknownError')
    const open = vi.spyOn(indexedDB, 'open').mockImplementation(() => {
      throw failure
    })
    const refused = {
      code: 'ERR_CSE_CHECKPOINT',
      message: expect.stringContaining('UnknownError'),
      cause: failure,
    }
    await expect(store.open('a')).rejects.toMatchObject(refused)
    await expect(store.localKey('a')).rejects.toMatchObject(refused)
    expect(await store.has('a')).toBe(true)
    open.mockRestore()
    await (await store.open('a')).close()
  })

  test('reports a change that fails', async () => {
    const { store } = stores()
    const checkpoint = await store.open('a')
    await checkpoint.save('first')
    const put = vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(function (this: IDBObjectStore) {
      this.transaction.abort()
      return {} as IDBRequest<IDBValidKey>
    })
    await expect(checkpoint.save('second')).rejects.toEqual(code('ERR_CSE_CHECKPOINT'))
    put.mockRestore()
    expect(await checkpoint.load()).toBe('first')
    await checkpoint.close()
  })

  test.each(['indexedDB', 'navigator'])(
    'needs %s: a page over plain HTTP has no checkpoints',
    async (missing) => {
      const { store } = stores()
      vi.stubGlobal(missing, missing === 'navigator' ? {} : undefined)
      await expect(store.open('a')).rejects.toEqual(code('ERR_CSE_CHECKPOINT'))
    },
  )
})
