import { aesCtr as chosen } from '@oss-cse/crypto-core/aes-ctr'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import vectors from '../test/vectors/aes-ctr.json' with { type: 'json' }
import { aesCtr as noble } from './aes-ctr.noble.ts'
import type { AesCtrEngine } from './aes-ctr.ts'
import { aesCtr as web } from './aes-ctr.web.ts'
import { concatBytes } from './bytes.ts'
import { CtrCipher } from './ctr-cipher.ts'

const bytes = (hex: string) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))

const cases = vectors.cases.map(({ name, cek, iv, plaintext, ciphertext }) => ({
  name,
  contentKey: { cek: bytes(cek), iv: bytes(iv) },
  plaintext: bytes(plaintext),
  ciphertext: bytes(ciphertext),
}))
const [nist] = cases
if (nist === undefined) throw new Error('no vectors')

async function* chunked(data: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let offset = 0
  for (let i = 0; offset < data.length; i++) {
    const size = sizes[i % sizes.length] ?? 1
    yield data.subarray(offset, offset + size)
    offset += size
  }
}

async function collect(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return concatBytes(chunks)
}

const engines: readonly AesCtrEngine[] = [chosen, web, noble]

describe.each(
  engines.map((engine, index) => ({ engine, label: index === 0 ? `chosen (${engine.name})` : engine.name })),
)('the engine $label', ({ engine }) => {
  test.each(cases)(
    'encrypts and decrypts the vector "$name"',
    async ({ contentKey, plaintext, ciphertext }) => {
      expect(await new CtrCipher(contentKey, { engine }).bytes(plaintext)).toEqual(ciphertext)
      expect(await new CtrCipher(contentKey, { engine }).bytes(ciphertext)).toEqual(plaintext)
    },
  )

  test('starts at any byte offset: the tail from each offset equals the tail of the whole', async () => {
    for (let offsetBytes = 0; offsetBytes <= 64; offsetBytes++) {
      const tail = await new CtrCipher(nist.contentKey, { engine, offsetBytes }).bytes(
        nist.ciphertext.subarray(offsetBytes),
      )
      expect(tail).toEqual(nist.plaintext.subarray(offsetBytes))
    }
  })

  test('returns the same bytes whole, byte by byte and split anywhere, for sizes 0 to 33', async () => {
    for (let size = 0; size <= 33; size++) {
      const data = nist.plaintext.subarray(0, size)
      const whole = nist.ciphertext.subarray(0, size)
      for (const sizes of [[1], [15], [16], [17], [3, 16, 1]]) {
        const cipher = new CtrCipher(nist.contentKey, { engine })
        expect(await collect(cipher.transform(chunked(data, sizes)))).toEqual(whole)
      }
    }
  })

  test('agrees with the reference engine at random keys, offsets and splits', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.uint8Array({ minLength: 16, maxLength: 16 }),
        fc.nat({ max: Number.MAX_SAFE_INTEGER }),
        fc.uint8Array({ maxLength: 300 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 }),
        async (cek, iv, offsetBytes, data, sizes) => {
          const key = { cek, iv }
          const expected = await new CtrCipher(key, { engine: noble, offsetBytes }).bytes(data)
          const actual = await collect(
            new CtrCipher(key, { engine, offsetBytes }).transform(chunked(data, sizes)),
          )
          expect(actual).toEqual(expected)
        },
      ),
      { numRuns: 60 },
    )
  })

  test.each([
    'ffffffffffffffffffffffffffffffff',
    '000000000000000000000000ffffffff',
    '0000000000000000ffffffffffffffff',
  ])('carries and wraps the counter %s inside a stream as it does by offset', async (iv) => {
    const key = { cek: nist.contentKey.cek, iv: bytes(iv) }
    const zeros = new Uint8Array(64)
    const stream = await new CtrCipher(key, { engine }).bytes(zeros)
    for (const offsetBytes of [16, 32, 48]) {
      const block = await new CtrCipher(key, { engine: noble, offsetBytes }).bytes(zeros.subarray(0, 16))
      expect(stream.subarray(offsetBytes, offsetBytes + 16)).toEqual(block)
    }
  })

  test('does not change its input', async () => {
    const data = Uint8Array.from(nist.plaintext)
    await new CtrCipher(nist.contentKey, { engine }).bytes(data)
    expect(data).toEqual(nist.plaintext)
  })
})

test('a cipher throws on a second use, by either method', async () => {
  const uses = [
    (cipher: CtrCipher) => cipher.bytes(new Uint8Array(1)),
    async (cipher: CtrCipher) => collect(cipher.transform(chunked(new Uint8Array(1), [1]))),
  ]
  for (const first of uses) {
    for (const second of uses) {
      const cipher = new CtrCipher(nist.contentKey)
      await first(cipher)
      await expect(second(cipher)).rejects.toMatchObject({ code: 'ERR_CSE_CIPHER_REUSED' })
    }
  }
})

test('slice(decrypt(all)) equals decrypt(range)', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ minLength: 1, maxLength: 400 }),
      fc.nat(),
      fc.nat(),
      async (data, a, b) => {
        const start = a % data.length
        const end = start + 1 + (b % (data.length - start))
        const all = await new CtrCipher(nist.contentKey).bytes(data)
        const range = await new CtrCipher(nist.contentKey, { offsetBytes: start }).bytes(
          data.subarray(start, end),
        )
        expect(range).toEqual(all.subarray(start, end))
      },
    ),
  )
})

test.each([
  [{ cek: new Uint8Array(31), iv: new Uint8Array(16) }, 0],
  [{ cek: new Uint8Array(32), iv: new Uint8Array(12) }, 0],
  [{ cek: new Uint8Array(32), iv: new Uint8Array(16) }, -1],
  [{ cek: new Uint8Array(32), iv: new Uint8Array(16) }, 1.5],
  [{ cek: new Uint8Array(32), iv: new Uint8Array(16) }, 2 ** 53],
])('keys of a wrong length and invalid offsets are refused (%#)', (contentKey, offsetBytes) => {
  expect(() => new CtrCipher(contentKey, { offsetBytes })).toThrow(
    expect.objectContaining({ code: 'ERR_CSE_INVALID_ARGUMENT' }),
  )
})

test('a failed source ends the stream with its own error', async () => {
  const broken = new Error('broken')
  async function* source(): AsyncGenerator<Uint8Array> {
    yield new Uint8Array(5)
    throw broken
  }
  await expect(collect(new CtrCipher(nist.contentKey).transform(source()))).rejects.toBe(broken)
})
