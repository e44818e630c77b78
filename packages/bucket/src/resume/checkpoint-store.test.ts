import { expect, test } from 'vitest'
import { MemoryCheckpointStore } from './checkpoint-store.ts'

const inUse = expect.objectContaining({ code: 'ERR_CSE_CHECKPOINT_IN_USE' })

test('a record outlives the checkpoint that saved it, and later changes to the value have no effect', async () => {
  const store = new MemoryCheckpointStore()
  const first = await store.open('a')
  expect(await first.load()).toBeUndefined()
  const record = { parts: [1] }
  await first.save(record)
  record.parts.push(2)
  await first.close()
  const second = await store.open('a')
  expect(await second.load()).toEqual({ parts: [1] })
  await second.save({ parts: [3] })
  expect(await second.load()).toEqual({ parts: [3] })
  await second.remove()
  await second.remove()
  expect(await second.load()).toBeUndefined()
})

test('a loaded record is a copy', async () => {
  const checkpoint = await new MemoryCheckpointStore().open('a')
  await checkpoint.save({ parts: [1] })
  ;((await checkpoint.load()) as { parts: number[] }).parts.push(2)
  expect(await checkpoint.load()).toEqual({ parts: [1] })
})

test('a record is open once at a time, and records of other names are free', async () => {
  const store = new MemoryCheckpointStore()
  const first = await store.open('a')
  await expect(store.open('a')).rejects.toEqual(inUse)
  await (await store.open('b')).close()
  await first.close()
  const second = await store.open('a')
  await first.close()
  await expect(store.open('a')).rejects.toEqual(inUse)
  await second.close()
  await store.open('a')
})
