import { afterEach, describe, expect, test, vi } from 'vitest'
import openssl from '../test/vectors/openssl.json' with { type: 'json' }
import { encryptPkcs1 } from './encrypt-pkcs1.ts'
import { parseRsaPublicKey } from './rsa-public-key.ts'

const bytes = (base64: string) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
const keys = new Map(Object.entries(openssl.keys).map(([bits, { spki }]) => [bits, parseRsaPublicKey(spki)]))
const keyOf = (bits: number) => {
  const key = keys.get(String(bits))
  if (key === undefined) throw new Error(`no key of ${bits} bits`)
  return key
}

/** Has the runtime draw the given bytes, one after the other. */
function draw(drawn: Iterable<number>): void {
  const source = drawn[Symbol.iterator]()
  vi.spyOn(crypto, 'getRandomValues').mockImplementation((array) => {
    const view = array as Uint8Array
    for (let i = 0; i < view.length; i++) {
      const { done, value } = source.next()
      if (done) throw new Error('more bytes were drawn than there are')
      view[i] = value
    }
    return array
  })
}

afterEach(() => {
  vi.restoreAllMocks()
})

describe.each(openssl.vectors.map((vector) => [vector.bits, bytes(vector.message).length, vector] as const))(
  'a key of %i bits and a message of %i bytes',
  (bits, _lengthBytes, vector) => {
    test('give the ciphertext of OpenSSL for its padding', () => {
      draw(bytes(vector.padding))
      expect(encryptPkcs1(keyOf(bits), bytes(vector.message))).toEqual(bytes(vector.ciphertext))
    })
  },
)

describe('the padding', () => {
  const [vector] = openssl.vectors
  if (vector === undefined) throw new Error('no vector')
  const { bits } = vector
  const padding = bytes(vector.padding)

  test('has no zero: each one that is drawn is drawn again, and the other bytes stay', () => {
    // The last byte of each of three stretches, and two zeros in a row at the end.
    const zeros = [0, 100, padding.length - 1]
    const first = padding.map((byte, i) => (zeros.includes(i) ? 0 : byte))
    const again = zeros.flatMap((i) => (i === padding.length - 1 ? [0, 0, padding[i]] : [padding[i]]))
    draw([...first, ...(again as number[])])
    expect(encryptPkcs1(keyOf(bits), bytes(vector.message))).toEqual(bytes(vector.ciphertext))
  })

  test('is another one each time', () => {
    const key = keyOf(bits)
    const made = Array.from({ length: 20 }, () => String(encryptPkcs1(key, Uint8Array.of(1, 2, 3))))
    expect(new Set(made).size).toBe(20)
  })
})

describe('the message', () => {
  const key = keyOf(2048)

  test('stays as it is', () => {
    const message = Uint8Array.of(1, 2, 3)
    encryptPkcs1(key, message)
    expect(message).toEqual(Uint8Array.of(1, 2, 3))
  })

  test('has at most 11 bytes less than the key', () => {
    expect(encryptPkcs1(key, new Uint8Array(245))).toHaveLength(256)
    expect(() => encryptPkcs1(key, new Uint8Array(246))).toThrow(RangeError)
    expect(() => encryptPkcs1(key, new Uint8Array(100_000))).toThrow(/at most 245/)
  })
})
