import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import openssl from '../test/vectors/openssl.json' with { type: 'json' }
import { bytesOf, numberOf } from './big-endian.ts'
import { pkcs1Der, spkiDer } from './public-key-der.ts'
import { parseRsaPublicKey } from './rsa-public-key.ts'

const derOf = (pem: string) =>
  Uint8Array.from(atob(pem.replaceAll(/-----[A-Z ]+-----|\s/g, '')), (character) => character.charCodeAt(0))
const pemOf = (label: string, der: Uint8Array) =>
  `-----BEGIN ${label}-----\n${btoa(String.fromCharCode(...der))}\n-----END ${label}-----\n`

const pair = openssl.keys['2048']
const { modulus, spki } = parseRsaPublicKey(pair.spki)
const odd = (bits: number) => (1n << BigInt(bits - 1)) + 1n
const spkiOf = (value: bigint) => Uint8Array.from(spkiDer(value))
const hex = (bytes: Uint8Array) => bytes.reduce((text, byte) => text + byte.toString(16).padStart(2, '0'), '')
const unhex = (text: string) => Uint8Array.from(text.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16))

describe.each(Object.entries(openssl.keys))('a key of %s bits that OpenSSL wrote', (bits, key) => {
  test('is the same as SPKI in PEM, as SPKI in DER and as PKCS#1 in PEM', () => {
    const parsed = parseRsaPublicKey(key.spki)
    expect(parsed).toMatchObject({ sizeBits: Number(bits), sizeBytes: Math.ceil(Number(bits) / 8) })
    expect(parsed.spki).toEqual(derOf(key.spki))
    expect(parseRsaPublicKey(derOf(key.spki))).toEqual(parsed)
    expect(parseRsaPublicKey(key.pkcs1)).toEqual(parsed)
  })

  test('has the encodings that OpenSSL gave it', () => {
    const { modulus } = parseRsaPublicKey(key.spki)
    expect(spkiOf(modulus)).toEqual(derOf(key.spki))
    expect(Uint8Array.from(pkcs1Der(modulus))).toEqual(derOf(key.pkcs1))
  })
})

test('each odd modulus of 2,048 to 8,192 bits comes back from its encoding', () => {
  const anyModulus = fc
    .integer({ min: 2048, max: 8192 })
    .chain((bits) => fc.bigInt({ min: 1n << BigInt(bits - 1), max: (1n << BigInt(bits)) - 1n }))
  fc.assert(
    fc.property(anyModulus, (value) => {
      expect(parseRsaPublicKey(spkiOf(value | 1n)).modulus).toBe(value | 1n)
    }),
    { numRuns: 50 },
  )
})

test('a number comes back from its bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      expect(bytesOf(numberOf(bytes), bytes.length)).toEqual(bytes)
    }),
  )
})

describe('accepted are', () => {
  test.each([
    ['Windows line breaks', pair.spki.replaceAll('\n', '\r\n')],
    ['white space around the block', `\n  ${pair.spki}\n\n`],
    ['base64 in one line', pemOf('PUBLIC KEY', spki)],
  ])('%s', (_what, pem) => {
    expect(parseRsaPublicKey(pem).modulus).toBe(modulus)
  })

  test('the smallest and the largest size', () => {
    expect(parseRsaPublicKey(spkiOf(odd(2048))).sizeBits).toBe(2048)
    expect(parseRsaPublicKey(spkiOf(odd(8192))).sizeBits).toBe(8192)
  })
})

/** What stands behind the algorithm in SPKI of a modulus of 1,024 bits. */
const SHORT = `03818d0030818902818100${'f'.repeat(256)}0203010001`

describe('refused is', () => {
  const ofRsa = '06092a864886f70d010101'
  test.each([
    ['a modulus of 2,047 bits', spkiOf(odd(2047))],
    ['a modulus of 8,193 bits', spkiOf(odd(8193))],
    ['a modulus of 1,024 bits', spkiOf(odd(1024))],
    [
      'a modulus of 1,024 bits, with the short lengths that it needs',
      unhex(`30819f300d${ofRsa}0500${SHORT}`),
    ],
    ['a modulus of 0', spkiOf(0n)],
    ['an even modulus', spkiOf(odd(2048) + 1n)],
    ['the exponent 3', unhex(hex(spki).replace(/0203010001$/, '0203000003'))],
    ['the exponent 3 in its own length', unhex(hex(spki).replace(/0203010001$/, '020103'))],
    ['the exponent 1', unhex(hex(spki).replace(/0203010001$/, '0203000001'))],
    ['the exponent 65,539', unhex(hex(spki).replace(/0203010001$/, '0203010003'))],
    ['an EC key', unhex(hex(spki).replace(ofRsa, '06072a8648ce3d0201'))],
    ['an RSA-PSS key', unhex(hex(spki).replace(ofRsa, '06092a864886f70d01010a'))],
    ['the algorithm sha256WithRSA', unhex(hex(spki).replace(ofRsa, '06092a864886f70d01010b'))],
    ['no parameters in place of NULL', unhex(hex(spki).replace(`300d${ofRsa}0500`, `300b${ofRsa}`))],
    ['other parameters', unhex(hex(spki).replace(`${ofRsa}0500`, `${ofRsa}3000`))],
    ['unused bits', unhex(hex(spki).replace('0382010f00', '0382010f01'))],
    ['a negative modulus', unhex(hex(spki).replace('0282010100', '02820101ff'))],
    ['a modulus with a needless zero', spkiWithNeedlessZero()],
    ['a length in more bytes than it needs', unhex(hex(spki).replace(/^30820122/, '3083000122'))],
    ['a length of indefinite form', unhex(hex(spki).replace(/^30820122/, '3080'))],
    ['PKCS#1 in DER', derOf(pair.pkcs1)],
    ['one byte too many', Uint8Array.of(...spki, 0)],
    ['two keys', Uint8Array.of(...spki, ...spki)],
    ['nothing', new Uint8Array()],
    ['zeros', new Uint8Array(294)],
  ])('%s', (_what, der) => {
    expect(() => parseRsaPublicKey(der)).toThrow(TypeError)
    expect(() => parseRsaPublicKey(der)).toThrow(/2048 to 8192 bits/)
  })

  test('each truncation', () => {
    for (let length = 0; length < spki.length; length++) {
      expect(() => parseRsaPublicKey(spki.subarray(0, length)), `${length} bytes`).toThrow()
    }
  })

  test('each flipped bit that is not in the modulus', () => {
    // The zero before the modulus is a part of it: a bit there makes a longer one.
    const first = hex(spki).indexOf('0282010100') / 2 + 4
    for (let i = 0; i < spki.length; i++) {
      if (i >= first && i < first + 257) continue
      for (let bit = 0; bit < 8; bit++) {
        const flipped = spki.map((byte, at) => (at === i ? byte ^ (1 << bit) : byte))
        expect(() => parseRsaPublicKey(flipped), `byte ${i}, bit ${bit}`).toThrow()
      }
    }
  })

  test('random bytes, whatever they are, and never with another error', () => {
    const start = fc.constantFrom([], [0x30], [...spki.subarray(0, 24)], [...spki.subarray(0, 33)])
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 400 }), (head, tail) => {
        try {
          parseRsaPublicKey(Uint8Array.of(...head, ...tail))
        } catch (error) {
          expect(error).toBeInstanceOf(TypeError)
        }
      }),
      { numRuns: 1000 },
    )
  })

  test.each([
    ['a private key', pemOf('PRIVATE KEY', spki), /private key/],
    ['a private key of PKCS#1', pemOf('RSA PRIVATE KEY', spki), /private key/],
    ['a private key behind a public one', pair.spki + pemOf('PRIVATE KEY', spki), /private key/],
    ['a certificate', pemOf('CERTIFICATE', spki), /openssl x509/],
    ['two public keys', pair.spki + pair.spki, /one block/],
    ['text before the block', `key:\n${pair.spki}`, /one block/],
    ['a block without its end', pair.spki.slice(0, -30), /one block/],
    ['an end with another label', pair.spki.replace('END PUBLIC', 'END RSA PUBLIC'), /one block/],
    ['a path', '/etc/keys/public.pem', /one block/],
    ['an empty text', '', /one block/],
    ['base64 that is cut off', pair.spki.replace(/.\n-----END/, '\n-----END'), /damaged/],
    ['base64 with stray bits', strayBits(), /damaged/],
    ['SPKI under the label of PKCS#1', pemOf('RSA PUBLIC KEY', spki), /damaged/],
    ['PKCS#1 under the label of SPKI', pemOf('PUBLIC KEY', derOf(pair.pkcs1)), /damaged/],
  ])('%s', (_what, pem, message) => {
    expect(() => parseRsaPublicKey(pem)).toThrow(TypeError)
    expect(() => parseRsaPublicKey(pem)).toThrow(message)
  })

  test.each(['\n', 'A', '-----BEGIN A-----\n', `-----BEGIN PUBLIC KEY-----\n`, ' \n'])(
    'a text of a million characters, in time proportional to its length: %j',
    (unit) => {
      expect(() => parseRsaPublicKey(unit.repeat(1_000_000 / unit.length))).toThrow(TypeError)
      const block = `-----BEGIN PUBLIC KEY-----\n${'A'.repeat(1_000_000)}\n-----END PUBLIC KEY-----`
      expect(() => parseRsaPublicKey(block)).toThrow(TypeError)
    },
  )
})

/** A key of 2,047 bits whose modulus would have the sign of a positive number without the zero before it. */
function spkiWithNeedlessZero(): Uint8Array {
  return unhex(hex(spki).replace(/02820101008?./, '028201010040'))
}

/** The same bytes by another text, which lenient decoders accept. */
function strayBits(): string {
  const der = Uint8Array.from(spkiDer(odd(2056)))
  const base64 = btoa(String.fromCharCode(...der))
  expect(base64.endsWith('=')).toBe(true)
  const last = base64.search(/.=+$/)
  const next = String.fromCharCode(base64.charCodeAt(last) + 1)
  return `-----BEGIN PUBLIC KEY-----\n${base64.slice(0, last)}${next}${base64.slice(last + 1)}\n-----END PUBLIC KEY-----\n`
}
