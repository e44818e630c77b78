import { type ContentKey, concatBytes, encodeBase64 } from '@oss-cse/crypto-core'
import { createCrc64, planParts } from '@oss-cse/crypto-core/internal'
import { describe, expect, test } from 'vitest'
import { chunked, difference, pattern } from '../../test/bytes.ts'
import { digestOf } from '../../test/multipart.ts'
import { byteSource } from '../source/byte-source.ts'
import { digestPart, type EncryptedPart, encryptPartInMemory, encryptPartTwice } from './encrypted-part.ts'

const MIB = 1024 ** 2
const code = (value: string) => expect.objectContaining({ code: value })
const contentKey: ContentKey = { cek: pattern(32), iv: pattern(16) }
const plan = planParts(6 * MIB, 2.5 * MIB)
const whole = pattern(plan.sizeBytes)

/** A source that returns the next bytes of the list each time it is opened, and the last ones from then on. */
function changing(...readings: readonly Uint8Array[]) {
  let opened = 0
  return byteSource({
    sizeBytes: plan.partSizeBytes,
    open: () => chunked(readings[Math.min(opened++, readings.length - 1)] as Uint8Array, 100_000),
  })
}

async function read(part: EncryptedPart): Promise<Uint8Array> {
  const chunks = []
  for await (const chunk of part.open()) chunks.push(chunk)
  return concatBytes(chunks)
}

/** The ciphertext of the whole object, from the runtime's own cipher. */
const ciphertext = new Uint8Array(
  await crypto.subtle.encrypt(
    { name: 'AES-CTR', counter: Uint8Array.from(contentKey.iv), length: 128 },
    await crypto.subtle.importKey('raw', Uint8Array.from(contentKey.cek), 'AES-CTR', false, ['encrypt']),
    Uint8Array.from(whole),
  ),
)

describe.each([
  ['in memory', encryptPartInMemory],
  ['that is read twice', (source, range, key) => encryptPartTwice(source, range, () => key)],
])('a part %s', (_what, encrypt) => {
  test.each([1, 2, 3])('%i of an object is that range of the object’s ciphertext', async (partNumber) => {
    const range = plan.part(partNumber)
    const { offsetBytes, sizeBytes } = range
    const expected = ciphertext.subarray(offsetBytes, offsetBytes + sizeBytes)
    const body = whole.subarray(offsetBytes, offsetBytes + sizeBytes)
    const part = await encrypt(byteSource({ open: () => chunked(body, 99_999) }), range, contentKey)
    expect(part.sizeBytes).toBe(sizeBytes)
    expect(encodeBase64(part.digest)).toBe(await digestOf(contentKey, offsetBytes, expected))
    const crc = createCrc64()
    crc.update(expected)
    expect(part.crc64).toBe(crc.value())
    for (let opened = 0; opened < 2; opened++) {
      expect(difference(await read(part), expected)).toBeUndefined()
    }
    expect(await digestPart(byteSource(body), range, contentKey)).toEqual({
      digest: part.digest,
      crc64: part.crc64,
    })
  })

  test.each([-1, 1])(
    'whose source is %i bytes too long fails, whatever length the source announces',
    async (by) => {
      const range = plan.part(1)
      const body = whole.subarray(0, range.sizeBytes + by)
      for (const sizeBytes of [range.sizeBytes, body.length, undefined]) {
        const source = byteSource({ sizeBytes, open: () => chunked(body, 100_000) })
        await expect(encrypt(source, range, contentKey)).rejects.toEqual(code('ERR_CSE_SOURCE'))
      }
    },
  )
})

describe('a part that is read twice', () => {
  const right = whole.subarray(0, plan.partSizeBytes)
  const range = plan.part(1)

  test.each([
    [0, 0],
    [1, 0],
    [MIB - 1, 0],
    [MIB, 1],
    [2 * MIB - 1, 1],
    [2 * MIB, 2],
    [right.length - 1, 2],
  ])(
    'whose byte %i changes between the two readings yields no byte of that chunk',
    async (offset, chunksBefore) => {
      const wrong = right.slice()
      wrong[offset] = (wrong[offset] ?? 0) ^ 1
      const part = await encryptPartTwice(changing(right, wrong), range, () => contentKey)
      const given: Uint8Array[] = []
      const reading = async () => {
        for await (const chunk of part.open()) given.push(chunk)
      }
      await expect(reading()).rejects.toEqual(code('ERR_CSE_SOURCE_CHANGED'))
      expect(difference(concatBytes(given), ciphertext.subarray(0, chunksBefore * MIB))).toBeUndefined()
    },
  )

  test.each([
    ['shorter', right.subarray(0, right.length - 1), 2 * MIB],
    ['much shorter', right.subarray(0, 100), 0],
    ['empty', right.subarray(0, 0), 0],
    ['longer', whole.subarray(0, right.length + 1), 2 * MIB],
  ])('that becomes %s yields only compared bytes', async (_what, second, mostBytes) => {
    const part = await encryptPartTwice(changing(right, second), range, () => contentKey)
    const given: Uint8Array[] = []
    const reading = async () => {
      for await (const chunk of part.open()) given.push(chunk)
    }
    await expect(reading()).rejects.toEqual(code('ERR_CSE_SOURCE'))
    const bytes = concatBytes(given)
    expect(bytes.length).toBeLessThanOrEqual(mostBytes)
    expect(difference(bytes, ciphertext.subarray(0, bytes.length))).toBeUndefined()
  })

  test('that is unchanged at the third reading is sent again', async () => {
    const part = await encryptPartTwice(
      changing(right, right.slice().reverse(), right),
      range,
      () => contentKey,
    )
    await expect(read(part)).rejects.toEqual(code('ERR_CSE_SOURCE_CHANGED'))
    expect(difference(await read(part), ciphertext.subarray(0, right.length))).toBeUndefined()
  })

  test('closes its source when it is not read to the end', async () => {
    let closed = 0
    const source = byteSource({
      sizeBytes: right.length,
      async *open() {
        try {
          yield* chunked(right, 100_000)
        } finally {
          closed += 1
        }
      },
    })
    const part = await encryptPartTwice(source, range, () => contentKey)
    for await (const _ of part.open()) break
    expect(closed).toBe(2)
  })
})

test('a part that is read twice is not sent under a key that was wiped', async () => {
  const range = plan.part(1)
  const body = whole.subarray(0, range.sizeBytes)
  let wiped = false
  const part = await encryptPartTwice(byteSource(body), range, () => {
    if (wiped) throw new Error('wiped')
    return contentKey
  })
  wiped = true
  await expect(read(part)).rejects.toThrow('wiped')
})
