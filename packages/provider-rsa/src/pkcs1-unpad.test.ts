import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PKCS1_OVERHEAD_BYTES, pkcs1Unpad } from './pkcs1-unpad.ts'

function pad(message: Uint8Array, blockLength: number, padding: (index: number) => number): Uint8Array {
  const block = new Uint8Array(blockLength)
  const separator = blockLength - message.length - 1
  block[1] = 2
  for (let i = 2; i < separator; i++) block[i] = padding(i)
  block.set(message, separator + 1)
  return block
}

const message = Uint8Array.from({ length: 32 }, (_, i) => i)
const somePadding = (index: number): number => 1 + (index % 255)

describe('pkcs1Unpad', () => {
  test('returns the message, for any message and any nonzero padding', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 64 }),
        fc.infiniteStream(fc.integer({ min: 1, max: 255 })),
        fc.integer({ min: 0, max: 400 }),
        (text, stream, extra) => {
          const block = pad(
            text,
            text.length + PKCS1_OVERHEAD_BYTES + extra,
            () => stream.next().value as number,
          )
          expect(pkcs1Unpad(block, text.length)).toEqual({ valid: 1, message: text })
        },
      ),
    )
  })

  test('agrees with a simple implementation on random and near-valid blocks', () => {
    const mostlyValid = fc.uint8Array({ minLength: 43, maxLength: 43 }).chain((bytes) =>
      fc.record({ head: fc.boolean(), separator: fc.boolean() }).map(({ head, separator }) => {
        if (head) bytes.set([0, 2])
        if (separator) bytes[10] = 0
        return bytes
      }),
    )
    fc.assert(
      fc.property(mostlyValid, (block) => {
        const plain =
          block[0] === 0 &&
          block[1] === 2 &&
          block[10] === 0 &&
          block.subarray(2, 10).every((byte) => byte !== 0)
        expect(pkcs1Unpad(block, 32).valid).toBe(Number(plain))
      }),
      { numRuns: 2000 },
    )
  })

  test('refuses each change of a header or separator byte, and of a padding byte only a change to zero', () => {
    const valid = pad(message, 256, somePadding)
    const separator = 256 - 32 - 1
    const wrong: string[] = []
    for (let position = 0; position < valid.length; position++) {
      for (let value = 0; value < 256; value++) {
        if (value === valid[position]) continue
        const block = valid.slice()
        block[position] = value
        const isPadding = position >= 2 && position < separator
        const expected = position > separator || (isPadding && value !== 0) ? 1 : 0
        if (pkcs1Unpad(block, 32).valid !== expected) wrong.push(`byte ${position} = ${value}`)
      }
    }
    expect(wrong).toEqual([])
  })

  test.each([0, 15, 16, 17, 31, 33])('refuses a message of %i bytes where 32 are expected', (length) => {
    expect(pkcs1Unpad(pad(new Uint8Array(length).fill(7), 256, somePadding), 32).valid).toBe(0)
  })

  test('accepts eight bytes of padding and no fewer', () => {
    expect(pkcs1Unpad(pad(message, 43, somePadding), 32).valid).toBe(1)
    expect(() => pkcs1Unpad(pad(message, 42, somePadding), 32)).toThrow(RangeError)
    expect(() => pkcs1Unpad(new Uint8Array(64), -1)).toThrow(RangeError)
  })

  test('returns a copy, so that a wipe of the block keeps the message', () => {
    const block = Buffer.from(pad(message, 128, somePadding))
    const unpadded = pkcs1Unpad(block, 32)
    block.fill(0)
    expect(unpadded.message).toEqual(message)
    expect(unpadded.message.buffer.byteLength).toBe(32)
  })
})
