import { type ContentKey, concatBytes, type PartRange } from '@oss-cse/crypto-core'
import { DerivedKey, planParts } from '@oss-cse/crypto-core/internal'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { difference, pattern } from '../../test/bytes.ts'
import { byteSource } from '../source/byte-source.ts'
import { type EncryptedPart, encryptPartInMemory } from './encrypted-part.ts'
import type { FileRuns } from './file-runs.ts'
import { bindRuns } from './file-runs.web.ts'
import { PageWorkers } from './page-worker.web.ts'
import { sealPartInMemory } from './sealed-part.ts'

const MIB = 1024 ** 2
const contentKey: ContentKey = { cek: pattern(32), iv: pattern(16) }
const context = pattern(7)
const whole = pattern(3 * MIB + 5)

/** What the page handed to its workers. */
const posted: { readonly key: ArrayBuffer }[] = []
let started = 0
let onPosted: ((worker: Worker) => void) | undefined

class WatchedWorker extends Worker {
  constructor(...given: ConstructorParameters<typeof Worker>) {
    super(...given)
    started += 1
  }

  override postMessage(message: { readonly key: ArrayBuffer }, transfer?: unknown): void {
    super.postMessage(message, transfer as Transferable[])
    posted.push(message)
    onPosted?.(this)
  }
}

let workers: PageWorkers

function runs({ most, sealed = false }: { most?: number; sealed?: boolean } = {}): FileRuns {
  return bindRuns(workers, () => contentKey, most, sealed ? context : undefined)
}

async function read(part: EncryptedPart | undefined): Promise<Uint8Array> {
  const chunks = []
  for await (const chunk of part?.open() ?? []) chunks.push(chunk)
  return concatBytes(chunks)
}

function bytesOf({ offsetBytes, sizeBytes }: PartRange): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(whole.subarray(offsetBytes, offsetBytes + sizeBytes))
}

beforeEach(() => {
  workers = new PageWorkers()
  vi.stubGlobal('Worker', WatchedWorker)
  posted.length = 0
  started = 0
  onPosted = undefined
})
afterEach(async () => {
  await workers.end()
  vi.unstubAllGlobals()
})

describe.each(['aes-ctr', 'sealed'] as const)('a part of a Blob in the format %s', (format) => {
  const sealed = format === 'sealed'
  const plan = planParts(whole.length, 1.25 * MIB, format)
  const first = plan.part(1)

  async function inPlace(range: PartRange): Promise<EncryptedPart> {
    const source = byteSource(bytesOf(range))
    if (!sealed) return encryptPartInMemory(source, range, contentKey)
    const derived = await DerivedKey.derive(contentKey, context)
    return sealPartInMemory(source, { range, cipher: () => derived.use() })
  }

  test('is in a worker what it is in place, and one worker encrypts all', async () => {
    const { encryptPart } = runs({ sealed })
    const ranges = [1, 2, 3].map((partNumber) => plan.part(partNumber))
    await Promise.all(
      ranges.map(async (range) => {
        const blob = new Blob([bytesOf(range)])
        const part = await encryptPart(range, { blob }, { sends: false })
        const expected = await inPlace(range)
        // The last one is too short to be worth a worker.
        if (blob.size < MIB) return expect(part).toBeUndefined()
        expect(part).toMatchObject({
          sizeBytes: expected.sizeBytes,
          digest: expected.digest,
          crc64: expected.crc64,
        })
        for (let opened = 0; opened < 2; opened++) {
          expect(difference(await read(part), await read(expected))).toBeUndefined()
        }
      }),
    )
    expect(started).toBe(1)
    expect(posted).toHaveLength(2)
  })

  test('leaves the key to the page, and no copy of it in the message', async () => {
    const { encryptPart } = runs({ sealed })
    await encryptPart(first, { blob: new Blob([bytesOf(first)]) }, { sends: false })
    expect(contentKey).toEqual({ cek: pattern(32), iv: pattern(16) })
    expect(posted.map(({ key }) => key.byteLength)).toEqual([0])
  })

  test.each([-1, 1])('that is %i bytes too long is left to the page, which says why', async (by) => {
    const { encryptPart } = runs({ sealed })
    const blob = new Blob([whole.slice(0, first.sizeBytes + by)])
    expect(await encryptPart(first, { blob }, { sends: false })).toBeUndefined()
    expect(posted).toHaveLength(1)
  })

  test('is encrypted in place where workers are turned off', async () => {
    const { encryptPart } = runs({ most: 0, sealed })
    expect(await encryptPart(first, { blob: new Blob([bytesOf(first)]) }, { sends: false })).toBeUndefined()
    expect(started).toBe(0)
  })
})

describe('without a worker a part is encrypted in place:', () => {
  const range = planParts(whole.length, 1.25 * MIB).part(1)
  const origin = { blob: new Blob([bytesOf(range)]) }

  test('where there is no Worker, as in a service worker', async () => {
    vi.stubGlobal('Worker', undefined)
    const { encryptPart } = runs()
    expect(await encryptPart(range, origin, { sends: false })).toBeUndefined()
  })

  test('where the page may not start one, which is tried once', async () => {
    let tried = 0
    class Forbidden extends EventTarget {
      onerror: ((event: unknown) => void) | undefined
      constructor() {
        super()
        tried += 1
        queueMicrotask(() => this.onerror?.(new Event('error')))
      }
    }
    vi.stubGlobal('Worker', Forbidden)
    const { encryptPart } = runs()
    for (let part = 0; part < 3; part++) {
      expect(await encryptPart(range, origin, { sends: false })).toBeUndefined()
    }
    expect(tried).toBe(1)
  })

  test('where there is no WebCrypto', async () => {
    const { encryptPart } = runs()
    vi.stubGlobal('crypto', { getRandomValues: () => {} })
    expect(await encryptPart(range, origin, { sends: false })).toBeUndefined()
    expect(started).toBe(0)
  })

  test('when it is lost, and no other is started', async () => {
    const { encryptPart } = runs()
    expect(await encryptPart(range, origin, { sends: false })).toBeDefined()
    onPosted = (worker) => worker.dispatchEvent(new Event('error'))
    for (let part = 0; part < 3; part++) {
      expect(await encryptPart(range, origin, { sends: false })).toBeUndefined()
    }
    expect([started, posted.length]).toEqual([1, 2])
  })
})
