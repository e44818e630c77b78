import { describe, expect, test } from 'vitest'
import type { CheckpointStore } from '../src/resume/checkpoint-store.ts'

const inUse = expect.objectContaining({ code: 'ERR_CSE_CHECKPOINT_IN_USE' })

/** A store to test. */
interface TestedStore {
  readonly store: CheckpointStore
  /** Another object for the same records, as another page or process has. The same object if there can be no other. */
  readonly other: CheckpointStore
}

/** The rules of every checkpoint store. */
export function checkpointStoreContract(make: () => TestedStore | Promise<TestedStore>): void {
  describe('a checkpoint store', () => {
    test('keeps the record that was saved last, also for another store, until it is removed', async () => {
      const { store, other } = await make()
      const first = await store.open('a')
      expect(await first.load()).toBeUndefined()
      await first.save({ parts: { 1: 'one', 10: 'ten' } })
      const record = { parts: { 2: 'two' }, text: 'grüße 😀 "\\\n' }
      await first.save(record)
      expect(await first.load()).toEqual(record)
      await first.close()
      const second = await other.open('a')
      expect(await second.load()).toEqual(record)
      await second.remove()
      await second.remove()
      expect(await second.load()).toBeUndefined()
      await second.close()
      const third = await store.open('a')
      expect(await third.load()).toBeUndefined()
      await third.close()
    })

    test('keeps a copy, and loads copies', async () => {
      const { store } = await make()
      const checkpoint = await store.open('a')
      const record = { parts: [1] }
      await checkpoint.save(record)
      record.parts.push(2)
      const loaded = (await checkpoint.load()) as { parts: number[] }
      expect(loaded).toEqual({ parts: [1] })
      loaded.parts.push(3)
      expect(await checkpoint.load()).toEqual({ parts: [1] })
      await checkpoint.close()
    })

    test('has a record open once at a time, and records of other names are free', async () => {
      const { store, other } = await make()
      const first = await store.open('a')
      await expect(store.open('a')).rejects.toEqual(inUse)
      await expect(other.open('a')).rejects.toEqual(inUse)
      await (await other.open('b')).close()
      await first.close()
      const second = await other.open('a')
      await first.close()
      await expect(store.open('a')).rejects.toEqual(inUse)
      await second.close()
      await (await store.open('a')).close()
    })

    test('keeps records of different names apart', async () => {
      const { store } = await make()
      const [a, b] = [await store.open('a'), await store.open('b')]
      await a.save('of a')
      expect(await b.load()).toBeUndefined()
      await b.save('of b')
      await b.remove()
      expect(await a.load()).toBe('of a')
      await a.close()
      await b.close()
    })

    test('that knows whether there is a record never says no while there is one', async () => {
      const { store, other } = await make()
      const has = async (name: string): Promise<boolean> => (await other.has?.(name)) ?? true
      const checkpoint = await store.open('a')
      await checkpoint.save(1)
      expect(await has('a')).toBe(true)
      await checkpoint.close()
      expect(await has('a')).toBe(true)
    })

    test('that has local keys keeps one for each record until it is removed, and releases none', async () => {
      const { store, other } = await make()
      if (store.localKey === undefined || other.localKey === undefined) return
      const checkpoint = await store.open('a')
      const key = await store.localKey('a')
      expect(key).toMatchObject({ extractable: false, algorithm: { name: 'AES-GCM', length: 256 } })
      const algorithm = { name: 'AES-GCM', iv: new Uint8Array(12) }
      const wrapped = await crypto.subtle.encrypt(algorithm, key, new Uint8Array(48))
      const unwraps = async (from: CheckpointStore, name: string): Promise<boolean> =>
        crypto.subtle.decrypt(algorithm, (await from.localKey?.(name)) as CryptoKey, wrapped).then(
          () => true,
          () => false,
        )
      expect(await unwraps(other, 'a')).toBe(true)
      expect(await unwraps(store, 'b')).toBe(false)
      await checkpoint.save(1)
      expect(await unwraps(other, 'a')).toBe(true)
      await checkpoint.remove()
      expect(await unwraps(store, 'a')).toBe(false)
      await checkpoint.close()
    })
  })
}
