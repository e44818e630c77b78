import { createHash } from 'node:crypto'
import { createCrc64 } from '@oss-cse/crc64'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { concatBytes } from './bytes.ts'
import { DerivedKey } from './derived-key.ts'
import type { ObjectBody } from './ports.ts'
import { sealEngine as node } from './seal-engine.node.ts'
import { sealedPartDigest, startSealRun } from './seal-run.ts'
import { SegmentPlan } from './segment-plan.ts'

const Z = 65_536
const contentKey = {
  cek: Uint8Array.from({ length: 32 }, (_, i) => 7 * i + 100),
  iv: Uint8Array.from({ length: 16 }, (_, i) => 9 * i + 50),
}
const context = new Uint8Array()
const data = Uint8Array.from({ length: 4 * Z }, (_, i) => (i * 31) >> 3)

/** Each chunk is in one buffer that the next chunk overwrites, as some sources do. */
async function* reusing(plaintext: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(Math.max(1, ...sizes))
  for (let offset = 0, i = 0; offset < plaintext.length; i++) {
    const chunk = plaintext.subarray(offset, offset + (sizes[i % sizes.length] ?? 1))
    buffer.set(chunk)
    yield buffer.subarray(0, chunk.length)
    buffer.fill(255)
    offset += chunk.length
  }
}

async function sealedChunks(body: ObjectBody, options: Partial<Parameters<typeof startSealRun>[0]> = {}) {
  const run = startSealRun({ contentKey, context, tags: true, ...options })
  const chunks: Uint8Array[] = []
  for await (const chunk of run.transform(body)) chunks.push(chunk)
  return { chunks, stored: concatBytes(chunks), ...run.result() }
}

const whole = (plaintext: Uint8Array, sizes = [plaintext.length]) =>
  sealedChunks({ open: () => reusing(plaintext, sizes) })

describe('startSealRun', () => {
  test('the stored bytes do not depend on how the plaintext is cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.constantFrom(0, 1, Z - 57, Z - 56, Z - 55, 2 * Z - 72, 2 * Z - 71),
          fc.nat({ max: 4 * Z }),
        ),
        fc.array(fc.oneof(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 30_000, max: 3 * Z })), {
          minLength: 1,
          maxLength: 4,
        }),
        async (sizeBytes, sizes) => {
          const enough = sizes.some((size) => size > 1000) ? sizes : [...sizes, 40_000]
          const plaintext = data.subarray(0, sizeBytes)
          const { stored } = await whole(plaintext, enough)
          expect(stored.length).toBe(new SegmentPlan(sizeBytes).storedBytes)
          expect(Buffer.compare(stored, (await whole(plaintext)).stored)).toBe(0)
        },
      ),
      { numRuns: 60 },
    )
  })

  test('parts of whole segments, sealed one by one, are the object', async () => {
    for (const sizeBytes of [2 * Z, 2 * Z - 72, 2 * Z - 71, 3 * Z + 5, 4 * Z]) {
      const plan = new SegmentPlan(sizeBytes)
      const object = await whole(data.subarray(0, sizeBytes))
      for (let cut = 1; cut < plan.segmentCount; cut++) {
        const { plaintextOffset } = plan.segment(cut)
        const part = (from: number, to: number): ObjectBody => ({
          open: () => reusing(data.subarray(from, to), [20_000]),
        })
        const first = await sealedChunks(part(0, plaintextOffset), { endsObject: false })
        const second = await sealedChunks(part(plaintextOffset, sizeBytes), { firstSegment: cut })
        expect(Buffer.compare(concatBytes([first.stored, second.stored]), object.stored)).toBe(0)
        expect(concatBytes([first.tags, second.tags])).toEqual(object.tags)
      }
    }
  })

  test('checksum and tags are those of the stored bytes, whose salt is the commitment', async () => {
    const { stored, crc64, tags } = await whole(data.subarray(0, 2 * Z))
    const crc = createCrc64()
    crc.update(stored)
    expect(crc64).toBe(crc.value())
    const commitment = Buffer.from(stored.slice(1, 33)).toString('base64url')
    expect((await DerivedKey.derive(contentKey, context)).commitment).toBe(commitment)
    const ends = [Z, 2 * Z, stored.length]
    expect(tags).toEqual(concatBytes(ends.map((end) => stored.slice(end - 16, end))))
    expect(sealedPartDigest(tags)).toEqual(new Uint8Array(createHash('sha256').update(tags).digest()))
  })

  test('no two segments of a run have one nonce, and the last flag is that of the end alone', async () => {
    const nonces: string[] = []
    const engine = {
      ...node,
      start(...args: Parameters<typeof node.start>) {
        const cipher = node.start(...args)
        if (cipher instanceof Promise) throw new Error('a promise')
        const seal: typeof cipher.seal = (plaintext, index, last) => {
          nonces.push(`${index} ${last}`)
          return cipher.seal(plaintext, index, last)
        }
        const { header, open, dispose } = cipher
        return { header, open, dispose, seal }
      },
    }
    await sealedChunks({ open: () => reusing(data.subarray(0, 2 * Z), [10_000]) }, { engine })
    expect(nonces).toEqual(['0 false', '1 false', '2 true'])
  })

  test('the last segment leaves only after the source has ended and was judged', async () => {
    for (const sizeBytes of [0, 1, Z - 56, 2 * Z - 72]) {
      const before = new SegmentPlan(sizeBytes).segmentCount - 1
      const run = startSealRun({ contentKey, context })
      let left = 0
      const changed = new Error('the source changed')
      const pass = async (): Promise<void> => {
        const watch = {
          onSourceEnd() {
            throw changed
          },
        }
        const body = { open: () => reusing(data.subarray(0, sizeBytes), [1000]) }
        for await (const _ of run.transform(body, watch)) left += 1
      }
      await expect(pass()).rejects.toBe(changed)
      expect(left).toBe(before)
      expect(() => run.result()).toThrow(TypeError)
    }
  })

  test('a part that does not end the object must fill its segments', async () => {
    const part = { open: () => reusing(data.subarray(0, Z), [Z]) }
    await expect(sealedChunks(part, { endsObject: false })).rejects.toThrow('must fill its segments')
  })

  test('the error of the source ends the run, and an abort ends the source', async () => {
    const broken = new Error('disk')
    const failing: ObjectBody = {
      open: async function* () {
        yield data.subarray(0, 10)
        throw broken
      },
    }
    await expect(sealedChunks(failing)).rejects.toBe(broken)

    const abort = new AbortController()
    let closed = 0
    const endless: ObjectBody = {
      open: async function* () {
        try {
          for (;;) yield data
        } finally {
          closed += 1
        }
      },
    }
    const pass = async (): Promise<void> => {
      const onClose = (): void => {
        closed += 10
      }
      const watch = { signal: abort.signal, onClose }
      for await (const _ of startSealRun({ contentKey, context }).transform(endless, watch))
        abort.abort(new Error('enough'))
    }
    await expect(pass()).rejects.toThrow('enough')
    expect(closed).toBe(11)
  })

  test('can be used once, with a key of the right length', () => {
    const run = startSealRun({ contentKey, context })
    const body = { open: () => reusing(data, [1]) }
    run.transform(body)
    expect(() => run.transform(body)).toThrow(expect.objectContaining({ code: 'ERR_CSE_CIPHER_REUSED' }))
    const short = { ...contentKey, cek: new Uint8Array(16) }
    expect(() => startSealRun({ contentKey: short, context })).toThrow(
      expect.objectContaining({ code: 'ERR_CSE_INVALID_ARGUMENT' }),
    )
  })
})
