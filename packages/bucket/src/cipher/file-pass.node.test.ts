import { createHash } from 'node:crypto'
import { concatBytes } from '@oss-cse/crypto-core'
import { createCrc64, planParts, SegmentPlan, startCipherRun } from '@oss-cse/crypto-core/internal'
import { describe, expect, test } from 'vitest'
import { difference, pattern } from '../../test/bytes.ts'
import { sealReference } from '../../test/sealed-reference.ts'
import type { FilePart } from './file-cipher-messages.node.ts'
import { EndedEarly, FilePass } from './file-pass.node.ts'
import { sealedRunOf } from './sealed-segments.ts'
import { shareKey } from './shared-key.node.ts'
import { READ_BYTES } from './thread-files.node.ts'

const Z = 65_536
/** The plaintext of so many full segments. */
const full = (segments: number) => segments * (Z - 16) - 40
const data = pattern(20 * Z)
const contentKey = { cek: pattern(32), iv: pattern(16).reverse() }
const text = 'name'
const context = new TextEncoder().encode(text)
const digest = true

/** A file that holds these bytes, and its reads. */
function fileOf(bytes: Uint8Array) {
  const reads: { readonly positionBytes: number; readonly sizeBytes: number }[] = []
  const read = (_fd: number, positionBytes: number, sizeBytes: number): Uint8Array => {
    reads.push({ positionBytes, sizeBytes })
    return bytes.slice(positionBytes, positionBytes + sizeBytes)
  }
  return { read, reads }
}

/** Encrypts a range of a file of this content. */
function passed(part: FilePart, bytes: Uint8Array) {
  const { read, reads } = fileOf(bytes)
  const pass = new FilePass(part, shareKey(contentKey), { digest, read })
  const pieces: Uint8Array[] = []
  while (!pass.ended) pieces.push(pass.next(new Uint8Array(READ_BYTES)))
  return { stored: concatBytes(pieces), crc64: pass.crc64(), digest: pass.digest(), reads, pieces }
}

function partOf(sizeBytes: number): FilePart {
  const { storedBytes } = new SegmentPlan(sizeBytes)
  const sealed = { ...sealedRunOf({ storedOffset: 0, last: true }), context }
  return { fd: -1, positionBytes: 0, offsetBytes: 0, sizeBytes, storedBytes, sealed }
}

describe('a pass over a file that is sealed', () => {
  test.each([
    0,
    1,
    full(1) - 1,
    full(1),
    full(1) + 1,
    full(2),
    full(4) - 1,
    full(4),
    full(4) + 1,
    full(5) + 1,
    full(8),
    full(8) + 1,
    full(9) + 1000,
  ])('of %i bytes makes the object of another implementation', async (sizeBytes) => {
    const plaintext = data.subarray(0, sizeBytes)
    const expected = await sealReference(contentKey, plaintext, text)
    const { stored, crc64, digest, reads, pieces } = passed(partOf(sizeBytes), data)
    expect(difference(stored, expected)).toBeUndefined()
    expect(stored.length).toBe(partOf(sizeBytes).storedBytes)
    const crc = createCrc64()
    crc.update(expected)
    expect(crc64).toBe(crc.value())
    const tags = createHash('sha256')
    for (let start = 0; start < expected.length; start += Z)
      tags.update(expected.subarray(start, start + Z).subarray(-16))
    expect(digest).toEqual(new Uint8Array(tags.digest()))
    for (const piece of pieces.slice(0, -1)) expect(piece.length).toBe(READ_BYTES)
    // Each byte is read once, in its order.
    let position = 0
    for (const read of reads) {
      expect(read.positionBytes).toBe(position)
      position += read.sizeBytes
    }
    expect(position).toBe(sizeBytes)
  })

  test.each([full(6), full(6) + 1, full(7) - 1, full(12)])('part by part of %i bytes', async (sizeBytes) => {
    const expected = await sealReference(contentKey, data.subarray(0, sizeBytes), text)
    const plan = planParts(sizeBytes, 3 * Z, 'sealed')
    for (let n = plan.partCount; n > 0; n--) {
      const range = plan.part(n)
      const { storedOffset, storedBytes, offsetBytes } = range
      const part: FilePart = {
        ...range,
        fd: -1,
        positionBytes: offsetBytes,
        sealed: { ...sealedRunOf(range), context },
      }
      const { stored } = passed(part, data)
      expect(difference(stored, expected.subarray(storedOffset, storedOffset + storedBytes))).toBeUndefined()
    }
  })

  test('of a file that is too short encrypts nothing of the piece that is not whole', () => {
    const sizeBytes = full(6)
    for (const [length, before] of [
      [0, 0],
      [full(4) - 1, 0],
      [full(4), 1],
      [sizeBytes - 1, 1],
    ] as const) {
      const { read } = fileOf(data.subarray(0, length))
      const pass = new FilePass(partOf(sizeBytes), shareKey(contentKey), { digest, read })
      for (let n = 0; n < before; n++) pass.next(new Uint8Array(READ_BYTES))
      const out = new Uint8Array(READ_BYTES)
      expect(() => pass.next(out)).toThrow(expect.objectContaining({ afterBytes: length }))
      expect(out.every((byte) => byte === 0)).toBe(true)
      expect(pass.ended).toBe(false)
    }
    expect(new EndedEarly(1)).toBeInstanceOf(Error)
  })

  test('that has ended encrypts nothing more', () => {
    const { read } = fileOf(data)
    const pass = new FilePass(partOf(full(4)), shareKey(contentKey), { digest, read })
    pass.next(new Uint8Array(READ_BYTES))
    expect(pass.ended).toBe(true)
    const out = new Uint8Array(READ_BYTES)
    expect(() => pass.next(out)).toThrow(TypeError)
    expect(out.every((byte) => byte === 0)).toBe(true)
  })
})

test.each([0, 1, READ_BYTES - 1, READ_BYTES, READ_BYTES + 1])(
  'a pass over %i bytes with AES-CTR makes the ciphertext of a stream',
  async (sizeBytes) => {
    const offsetBytes = 3 * 1024 + 16
    const run = startCipherRun({ direction: 'encrypt', contentKey, offsetBytes, crc64: true })
    const chunks: Uint8Array[] = []
    const open = async function* () {
      yield data.subarray(7, 7 + sizeBytes)
    }
    for await (const chunk of run.transform({ open })) chunks.push(chunk)
    const part = { fd: -1, positionBytes: 7, offsetBytes, sizeBytes, storedBytes: sizeBytes }
    const { stored, crc64 } = passed(part, data)
    expect(difference(stored, concatBytes(chunks))).toBeUndefined()
    expect(crc64).toBe(run.digests().crc64)
  },
)

test('a pass wipes the key that was shared', () => {
  const key = shareKey(contentKey)
  new FilePass(partOf(1), key, { digest }).dispose()
  expect(new Uint8Array(key)).toEqual(new Uint8Array(48))
  const short = { ...partOf(1), offsetBytes: -1, sealed: undefined }
  const other = shareKey(contentKey)
  expect(() => new FilePass(short, other, { digest })).toThrow()
  expect(new Uint8Array(other)).toEqual(new Uint8Array(48))
})
