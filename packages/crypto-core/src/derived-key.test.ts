import { expect, test } from 'vitest'
import { DerivedKey } from './derived-key.ts'
import { startOpenRun } from './open-run.ts'
import { sealEngine as noble } from './seal-engine.noble.ts'
import type { SealEngine } from './seal-engine.ts'
import { startSealRun } from './seal-run.ts'
import { SegmentPlan } from './segment-plan.ts'

const contentKey = { cek: new Uint8Array(32).fill(3), iv: new Uint8Array(16).fill(4) }
const context = new Uint8Array(5)
const data = new Uint8Array(100).fill(7)
const body = {
  open: async function* () {
    yield data
  },
}

/** An engine that counts what it derives and forgets. */
function counted() {
  const counts = { derived: 0, disposed: 0 }
  const engine: SealEngine = {
    name: 'noble',
    async start(...key) {
      counts.derived += 1
      const cipher = await noble.start(...key)
      const dispose = (): void => {
        counts.disposed += 1
        cipher.dispose()
      }
      return { ...cipher, dispose }
    },
  }
  return { engine, counts }
}

async function sealed(run: ReturnType<typeof startSealRun>): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = []
  for await (const chunk of run.transform(body)) chunks.push(chunk)
  return chunks
}

test('a derived key is derived once for any number of runs, which make the same bytes', async () => {
  const { engine, counts } = counted()
  const key = await DerivedKey.derive(contentKey, context, engine)
  const expected = await sealed(startSealRun({ contentKey, context }))
  for (let n = 0; n < 3; n++) expect(await sealed(startSealRun({ cipher: key.use() }))).toEqual(expected)
  expect(counts).toEqual({ derived: 1, disposed: 0 })
  key.close()
  key.close()
  expect(counts.disposed).toBe(1)
})

test('a derived key is forgotten only when the last run has ended, and no run starts after it was closed', async () => {
  const { engine, counts } = counted()
  const key = await DerivedKey.derive(contentKey, context, engine)
  const runs = [startSealRun({ cipher: key.use() }), startSealRun({ cipher: key.use() })] as const
  key.close()
  expect(() => key.use()).toThrow(TypeError)
  const expected = await sealed(startSealRun({ contentKey, context }))
  expect(await sealed(runs[0])).toEqual(expected)
  expect(counts.disposed).toBe(0)
  expect(await sealed(runs[1])).toEqual(expected)
  expect(counts.disposed).toBe(1)
})

test('a run that disposed of its cipher twice takes it from no other, and cannot use it any more', async () => {
  const { engine, counts } = counted()
  const key = await DerivedKey.derive(contentKey, context, engine)
  const [first, second] = [key.use(), key.use()]
  for (let n = 0; n < 3; n++) first.dispose()
  key.close()
  expect(counts.disposed).toBe(0)
  expect(() => first.seal(data, 0, true)).toThrow(TypeError)
  expect(() => first.open(data, 0, true)).toThrow(TypeError)
  expect(await second.open(await second.seal(data, 0, true), 0, true)).toEqual(data)
  second.dispose()
  expect(counts.disposed).toBe(1)
})

test('a derived key needs a content key of the right length', async () => {
  const short = { ...contentKey, iv: new Uint8Array(12) }
  await expect(DerivedKey.derive(short, context)).rejects.toMatchObject({ code: 'ERR_CSE_INVALID_ARGUMENT' })
})

test('a run that is closed before its first byte is read gives the key back, once', async () => {
  const { engine, counts } = counted()
  const derived = await DerivedKey.derive(contentKey, context, engine)
  const sealing = startSealRun({ cipher: derived.use() }).transform(body)
  const segments = { plan: new SegmentPlan(10), firstSegment: 0, lastSegment: 0 }
  const opening = startOpenRun({ cipher: derived.use(), ...segments }).transform(body)
  derived.close()
  await sealing.return()
  expect(counts.disposed).toBe(0)
  await opening.return()
  await opening.return()
  expect(counts.disposed).toBe(1)
})

test('a run of segments that are not there gives the key back', async () => {
  const { engine, counts } = counted()
  const derived = await DerivedKey.derive(contentKey, context, engine)
  const segments = { plan: new SegmentPlan(10), firstSegment: 3, lastSegment: 3 }
  expect(() => startOpenRun({ cipher: derived.use(), ...segments })).toThrow(RangeError)
  derived.close()
  expect(counts.disposed).toBe(1)
})
