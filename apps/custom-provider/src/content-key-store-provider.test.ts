import { CryptoBucket } from '@oss-cse/bucket'
import { type ContentKey, Keyring, TransportError } from '@oss-cse/crypto-core'
import { MemoryTransport, providerContract } from '@oss-cse/crypto-core/testing'
import { describe, expect, test } from 'vitest'
import { testInBucket } from '../test/bucket-rules.ts'
import { type ContentKeyStore, ContentKeyStoreProvider } from './content-key-store-provider.ts'

/** A store in memory. Each call takes one microtask. */
class MemoryKeyStore implements ContentKeyStore {
  readonly keys = new Map<string, ContentKey>()

  async put(id: string, key: ContentKey): Promise<void> {
    await undefined
    this.keys.set(id, key)
  }

  async get(id: string): Promise<ContentKey | undefined> {
    await undefined
    return this.keys.get(id)
  }
}

const driverError = () =>
  Object.assign(new Error('INSERT INTO keys VALUES ($1)'), { parameters: [new Uint8Array(32)] })
const failing: ContentKeyStore = {
  put: (_id, key) => Promise.reject(Object.assign(driverError(), { key })),
  get: () => Promise.reject(driverError()),
}

describe('the provider contract', () => {
  const [ours, theirs] = [new MemoryKeyStore(), new MemoryKeyStore()]
  const rules = providerContract({
    create: () => new ContentKeyStoreProvider(ours, { store: 'eu' }),
    createOther: () => new ContentKeyStoreProvider(theirs),
    createUnavailable: () => new ContentKeyStoreProvider(failing),
    randomized: true,
  })
  for (const rule of rules) test(rule.name, rule.run)
})

const shared = new MemoryKeyStore()
testInBucket(() => new ContentKeyStoreProvider(shared))

test('an object is readable as long as the store has its key, and then no copy is readable', async () => {
  const store = new MemoryKeyStore()
  const transport = new MemoryTransport()
  const bucket = new CryptoBucket({ transport, provider: new ContentKeyStoreProvider(store) })
  await bucket.put('object', 'text')
  await bucket.copy('object', 'copy')
  expect(await bucket.getBytes('copy')).toEqual(new TextEncoder().encode('text'))
  expect(store.keys.size).toBe(1)
  store.keys.clear()
  for (const key of ['object', 'copy']) {
    await expect(bucket.getBytes(key)).rejects.toMatchObject({ code: 'ERR_CSE_UNWRAP_FAILED' })
  }
})

test('an object contains no key, only references', async () => {
  const provider = new ContentKeyStoreProvider(new MemoryKeyStore())
  const { wrappedCek, wrappedIv } = await provider.generateContentKey(new Uint8Array(16))
  const [cek, iv] = [atob(wrappedCek), atob(wrappedIv)]
  expect(cek).toMatch(/^cek:[0-9a-f-]{36}$/)
  expect(iv).toBe(cek.replace('cek', 'iv'))
})

test('nothing is uploaded before the store has the key', async () => {
  const transport = new MemoryTransport()
  const bucket = new CryptoBucket({ transport, provider: new ContentKeyStoreProvider(failing) })
  await expect(bucket.put('object', 'text')).rejects.toMatchObject({ code: 'ERR_CSE_SERVICE' })
  expect(transport.requests).toEqual([])
})

test('a TransportError of the store is passed on', async () => {
  const busy = new TransportError('ERR_CSE_THROTTLED', 'The store is busy.', { retryable: true })
  const store: ContentKeyStore = { ...failing, put: () => Promise.reject(busy) }
  await expect(new ContentKeyStoreProvider(store).generateContentKey(new Uint8Array(16))).rejects.toBe(busy)
})

test('a key of another length from the store is refused', async () => {
  const store = new MemoryKeyStore()
  const keyring = new Keyring({ encrypting: new ContentKeyStoreProvider(store) })
  const { envelope } = await keyring.generate()
  for (const id of store.keys.keys()) store.keys.set(id, { cek: new Uint8Array(16), iv: new Uint8Array(16) })
  await expect(keyring.unwrap(envelope)).rejects.toMatchObject({ code: 'ERR_CSE_UNWRAP_FAILED' })
})

test('an abort ends the wait for a store that does not respond', async () => {
  const controller = new AbortController()
  const store: ContentKeyStore = { ...failing, get: () => new Promise(() => {}) }
  const { envelope } = await new Keyring({
    encrypting: new ContentKeyStoreProvider(new MemoryKeyStore()),
  }).generate()
  const call = new ContentKeyStoreProvider(store).unwrap(envelope, { signal: controller.signal })
  controller.abort('stop')
  await expect(call).rejects.toBe('stop')
})
