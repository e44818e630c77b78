import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { combineCrc64, createCrc64, createPlainCrc64 } from './crc64.ts'

const text = (value: string) => new TextEncoder().encode(value)
const makers = [
  { name: 'WebAssembly', make: createCrc64 },
  { name: 'plain JavaScript', make: async () => createPlainCrc64() },
]

describe.each(makers)('CRC-64 in $name', ({ make }) => {
  test('returns the published check value, and 0 for no bytes', async () => {
    const crc = await make()
    expect(crc.value()).toBe(0n)
    crc.update(text('123456789'))
    expect(crc.value()).toBe(0x995dc9bbdf1939fan)
  })

  test('can be read at any time without an effect on the following bytes', async () => {
    const crc = await make()
    crc.update(text('1234'))
    crc.value()
    crc.update(text('56789'))
    expect(crc.value()).toBe(0x995dc9bbdf1939fan)
  })

  test('does not depend on how the bytes are split', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 500 }), fc.nat({ max: 500 }), async (data, cut) => {
        const [whole, split] = [await make(), await make()]
        whole.update(data)
        split.update(data.subarray(0, cut))
        split.update(data.subarray(cut))
        expect(split.value()).toBe(whole.value())
      }),
    )
  })
})

test('several checksums run independently', async () => {
  const [a, b] = [await createCrc64(), await createCrc64()]
  a.update(text('1234'))
  b.update(text('other bytes'))
  a.update(text('56789'))
  expect(a.value()).toBe(0x995dc9bbdf1939fan)
})

test('both implementations agree, and parts combine to the whole', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 5000 }),
      fc.uint8Array({ maxLength: 5000 }),
      async (first, second) => {
        const [a, b, whole] = [createPlainCrc64(), createPlainCrc64(), await createCrc64()]
        a.update(first)
        b.update(second)
        whole.update(first)
        whole.update(second)
        expect(combineCrc64(a.value(), b.value(), second.length)).toBe(whole.value())
      },
    ),
  )
})

test('without WebAssembly the plain implementation is used', async () => {
  const real = WebAssembly.compile
  WebAssembly.compile = () => Promise.reject(new WebAssembly.CompileError('forbidden by policy'))
  try {
    const crc = await createCrc64()
    crc.update(text('123456789'))
    expect(crc.value()).toBe(0x995dc9bbdf1939fan)
  } finally {
    WebAssembly.compile = real
  }
})
