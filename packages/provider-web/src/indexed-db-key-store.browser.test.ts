import { afterEach, describe, expect, test, vi } from 'vitest'
import { generateWebAesKey } from './aes-keys.ts'
import { createWebAesProvider } from './aes-provider.ts'
import { IndexedDbKeyStore } from './indexed-db-key-store.ts'
import { generateWebRsaKeyPair } from './rsa-keys.ts'
import { createWebRsaProvider } from './rsa-provider.ts'

const code = (value: string) => expect.objectContaining({ code: value })
const newDatabase = () => `tests ${crypto.randomUUID()}`
const newStore = () => new IndexedDbKeyStore({ database: newDatabase() })
const identityOf = async (key: CryptoKey | undefined) =>
  (await createWebAesProvider(key as CryptoKey)).keyIdentity

afterEach(() => {
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

describe('a key store in IndexedDB', () => {
  test('returns the key that was stored, and no other page can read it', async () => {
    const database = newDatabase()
    const key = await generateWebAesKey()
    await new IndexedDbKeyStore({ database }).add('a', key)
    const found = await new IndexedDbKeyStore({ database }).get('a')
    expect(found?.extractable).toBe(false)
    expect(await identityOf(found)).toBe(await identityOf(key))
  })

  test('keeps pairs', async () => {
    const store = newStore()
    const pair = await store.getOrCreate('pair', () => generateWebRsaKeyPair({ bits: 2048 }))
    const found = await store.get<CryptoKeyPair>('pair')
    const [one, other] = await Promise.all(
      [pair, found].map((each) => createWebRsaProvider(each as CryptoKeyPair)),
    )
    expect(other?.keyIdentity).toBe(one?.keyIdentity)
  })

  test('creates a key once, and then returns it', async () => {
    const store = newStore()
    const create = vi.fn(generateWebAesKey)
    const keys = [await store.getOrCreate('a', create), await store.getOrCreate('a', create)]
    expect(create).toHaveBeenCalledOnce()
    expect(await identityOf(keys[1])).toBe(await identityOf(keys[0]))
  })

  test('gives pages that create it at the same time one and the same key', async () => {
    const database = newDatabase()
    const pages = Array.from({ length: 8 }, () => new IndexedDbKeyStore({ database }))
    // All have seen that there is none before the first one stores its own.
    let waiting = pages.length
    let start = () => {}
    const all = new Promise<void>((resolve) => {
      start = resolve
    })
    const create = async () => {
      const key = await generateWebAesKey()
      if (--waiting === 0) start()
      await all
      return key
    }
    const keys = await Promise.all(pages.map((page) => page.getOrCreate('a', create)))
    const identities = await Promise.all([...keys, await pages[0]?.get('a')].map(identityOf))
    expect(new Set(identities).size).toBe(1)
  })

  test('stores nothing if the key cannot be created', async () => {
    const store = newStore()
    const failure = new Error('no')
    await expect(store.getOrCreate('a', () => Promise.reject(failure))).rejects.toBe(failure)
    expect(await store.names()).toEqual([])
  })

  test('never replaces a key', async () => {
    const store = newStore()
    const first = await generateWebAesKey()
    await store.add('a', first)
    await expect(store.add('a', await generateWebAesKey())).rejects.toEqual(code('ERR_CSE_OPERATION_REFUSED'))
    expect(await identityOf(await store.get('a'))).toBe(await identityOf(first))
  })

  test('lists its keys, and deletes the one that is named', async () => {
    const store = newStore()
    for (const name of ['b', 'a', '__proto__']) await store.add(name, await generateWebAesKey())
    await store.delete('a')
    await store.delete('not there')
    expect(await store.names()).toEqual(['__proto__', 'b'])
    expect(await store.get('a')).toBeUndefined()
  })

  test('flushes each change to disk', async () => {
    const store = newStore()
    const transaction = vi.spyOn(IDBDatabase.prototype, 'transaction')
    await store.getOrCreate('a', generateWebAesKey)
    await store.add('b', await generateWebAesKey())
    await store.delete('b')
    const writing = transaction.mock.calls.filter(([, mode]) => mode === 'readwrite')
    expect(writing.map(([, , options]) => options?.durability)).toEqual(['strict', 'strict', 'strict'])
  })

  test('refuses what is no key, or could be read by scripts', async () => {
    const store = newStore()
    const extractable = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, true, ['encrypt'])
    const { publicKey } = await generateWebRsaKeyPair({ bits: 2048 })
    for (const key of [
      undefined,
      null,
      {},
      'key',
      extractable,
      publicKey,
      { privateKey: extractable, publicKey },
    ]) {
      await expect(store.add('a', key as CryptoKey)).rejects.toEqual(code('ERR_CSE_INVALID_KEY'))
      await expect(store.getOrCreate('a', async () => key as CryptoKey)).rejects.toEqual(
        code('ERR_CSE_INVALID_KEY'),
      )
    }
    expect(await store.names()).toEqual([])
  })

  test.each([undefined, null, 'damaged', {}])(
    'never creates a key in place of an entry %j',
    async (entry) => {
      const database = newDatabase()
      const store = new IndexedDbKeyStore({ database })
      await store.names()
      await new Promise((resolve, reject) => {
        const request = indexedDB.open(database)
        request.onerror = reject
        request.onsuccess = () => {
          const transaction = request.result.transaction('keys', 'readwrite')
          transaction.objectStore('keys').put(entry, 'a')
          transaction.oncomplete = resolve
          request.result.close()
        }
      })
      const create = vi.fn(generateWebAesKey)
      await expect(store.getOrCreate('a', create)).rejects.toEqual(code('ERR_CSE_KEY_STORE'))
      await expect(store.get('a')).rejects.toEqual(code('ERR_CSE_KEY_STORE'))
      expect(create).not.toHaveBeenCalled()
    },
  )

  test.each([undefined, 7, '', 'a'.repeat(101)])('refuses the name %j', async (name) => {
    const store = newStore()
    const refused = code('ERR_CSE_INVALID_ARGUMENT')
    await expect(store.get(name as string)).rejects.toEqual(refused)
    await expect(store.getOrCreate(name as string, generateWebAesKey)).rejects.toEqual(refused)
    await expect(store.delete(name as string)).rejects.toEqual(refused)
    if (name !== undefined) {
      expect(() => new IndexedDbKeyStore({ database: name as string })).toThrow(refused)
    }
  })

  test('reports a database that cannot be used', async () => {
    const failure = new DOMException('', 'UnknownError')
    vi.spyOn(indexedDB, 'open').mockImplementation(() => {
      throw failure
    })
    await expect(newStore().get('a')).rejects.toMatchObject({
      code: 'ERR_CSE_KEY_STORE',
      message: expect.stringContaining('UnknownError'),
      cause: failure,
    })
  })

  test('does not say that a key is stored if its transaction fails', async () => {
    const store = newStore()
    const add = vi.spyOn(IDBObjectStore.prototype, 'add').mockImplementation(function (
      this: IDBObjectStore,
      ...entry
    ) {
      const request = this.put(...entry)
      queueMicrotask(() => this.transaction.abort())
      return request
    })
    await expect(store.getOrCreate('a', generateWebAesKey)).rejects.toEqual(code('ERR_CSE_KEY_STORE'))
    add.mockRestore()
    expect(await store.names()).toEqual([])
  })

  test('needs IndexedDB', async () => {
    vi.stubGlobal('indexedDB', undefined)
    await expect(newStore().names()).rejects.toEqual(code('ERR_CSE_KEY_STORE'))
  })
})
