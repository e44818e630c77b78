import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { EnvelopeV1, EnvelopeV2 } from './envelope.ts'
import { decodeEnvelope, encodeEnvelope } from './envelope-codec.ts'
import { CseError } from './errors.ts'
import { V1_HEADERS, V2_HEADERS } from './headers.ts'

const envelope: EnvelopeV2 = {
  version: 2,
  wrappedCek: 'd3JhcHBlZCBjZWs=',
  wrappedIv: 'd3JhcHBlZCBpdg==',
  cekAlgorithm: 'AES/CTR/NoPadding',
  wrapAlgorithm: 'RSA/NONE/PKCS1Padding',
  materialDescription: { key: 'a' },
}
const required = [
  V2_HEADERS.wrappedCek,
  V2_HEADERS.wrappedIv,
  V2_HEADERS.cekAlgorithm,
  V2_HEADERS.wrapAlgorithm,
]
const v1 = {
  [V1_HEADERS.wrappedCek]: 'a2V5',
  [V1_HEADERS.wrappedStart]: 'c3RhcnQ=',
  [V1_HEADERS.cekAlgorithm]: 'AES/GCM/NoPadding',
  [V1_HEADERS.wrapAlgorithm]: 'rsa',
}
const damaged = expect.objectContaining({ code: 'ERR_CSE_ENVELOPE_DAMAGED' })

test('an envelope is encoded under exactly these names', () => {
  const full = {
    ...envelope,
    unencryptedContentLength: 5,
    unencryptedContentMd5: 'bWQ1',
    dataSizeBytes: 5,
    partSizeBytes: 102_400,
  }
  expect(encodeEnvelope(full)).toEqual({
    'x-oss-meta-client-side-encryption-key': 'd3JhcHBlZCBjZWs=',
    'x-oss-meta-client-side-encryption-start': 'd3JhcHBlZCBpdg==',
    'x-oss-meta-client-side-encryption-cek-alg': 'AES/CTR/NoPadding',
    'x-oss-meta-client-side-encryption-wrap-alg': 'RSA/NONE/PKCS1Padding',
    'x-oss-meta-client-side-encryption-matdesc': '{"key":"a"}',
    'x-oss-meta-client-side-encryption-unencrypted-content-length': '5',
    'x-oss-meta-client-side-encryption-unencrypted-content-md5': 'bWQ1',
    'x-oss-meta-client-side-encryption-data-size': '5',
    'x-oss-meta-client-side-encryption-part-size': '102400',
  })
})

test('the description header is left out when the description is empty', () => {
  expect(encodeEnvelope({ ...envelope, materialDescription: {} })).not.toHaveProperty(
    V2_HEADERS.materialDescription,
  )
})

test('an envelope decodes to what was encoded, with names in any case', () => {
  const headers = encodeEnvelope({
    ...envelope,
    unencryptedContentLength: 0,
    dataSizeBytes: 3,
    partSizeBytes: 102_400,
  })
  const shouted = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toUpperCase(), value]),
  )
  for (const form of [headers, shouted]) {
    const decoded = decodeEnvelope({ ...form, 'content-type': 'text/plain', 'x-oss-meta-mine': '1' })
    expect(decoded).toEqual({
      ...envelope,
      unencryptedContentLength: 0,
      dataSizeBytes: 3,
      partSizeBytes: 102_400,
    })
  }
})

test('the wrap algorithm "rsa" is never encoded, in any case', () => {
  for (const wrapAlgorithm of ['rsa', 'RSA']) {
    expect(() => encodeEnvelope({ ...envelope, wrapAlgorithm })).toThrow(
      expect.objectContaining({ code: 'ERR_CSE_INVALID_ARGUMENT' }),
    )
  }
})

test('values that are not valid in a header are not encoded', () => {
  for (const wrappedCek of ['', 'a b', 'a\nb', 'ä']) {
    expect(() => encodeEnvelope({ ...envelope, wrappedCek })).toThrow(
      expect.objectContaining({ code: 'ERR_CSE_INVALID_ARGUMENT' }),
    )
  }
})

test('an object without any envelope header is plain', () => {
  expect(decodeEnvelope({})).toBeUndefined()
  expect(
    decodeEnvelope({ etag: '"1"', 'x-oss-meta-key': 'mine', 'x-oss-meta-unencrypted-content-length': '5' }),
  ).toBeUndefined()
})

test('an object with only some of the required headers is damaged, for every subset', () => {
  const headers = encodeEnvelope(envelope)
  for (let mask = 0; mask < 15; mask++) {
    const kept = Object.entries(headers).filter(
      ([name]) => !required.includes(name as never) || mask & (1 << required.indexOf(name as never)),
    )
    expect(() => decodeEnvelope(Object.fromEntries(kept)), `subset ${mask}`).toThrow(damaged)
  }
})

test('an object with an empty required header is damaged', () => {
  for (const name of required) {
    expect(() => decodeEnvelope({ ...encodeEnvelope(envelope), [name]: '' })).toThrow(damaged)
  }
})

test('an object with headers of both versions is damaged', () => {
  expect(() => decodeEnvelope({ ...encodeEnvelope(envelope), ...v1 })).toThrow(damaged)
  expect(() => decodeEnvelope({ ...encodeEnvelope(envelope), [V1_HEADERS.wrappedCek]: 'x' })).toThrow(damaged)
})

test('an envelope header given twice with different values is damaged', () => {
  const headers = encodeEnvelope(envelope)
  expect(() => decodeEnvelope({ ...headers, [V2_HEADERS.wrappedCek.toUpperCase()]: 'other' })).toThrow(
    damaged,
  )
})

test('a content algorithm other than AES/CTR/NoPadding is refused', () => {
  for (const value of ['AES/GCM/NoPadding', 'AES/CBC/PKCS5Padding', 'none']) {
    expect(() => decodeEnvelope({ ...encodeEnvelope(envelope), [V2_HEADERS.cekAlgorithm]: value })).toThrow(
      expect.objectContaining({ code: 'ERR_CSE_UNSUPPORTED_ALGORITHM' }),
    )
  }
})

test.each([V2_HEADERS.dataSize, V2_HEADERS.partSize, V2_HEADERS.unencryptedContentLength])(
  '%s must be a decimal number',
  (name) => {
    for (const value of ['', '-1', '1.5', '0x10', '1e3', ' 1', '99999999999999999']) {
      expect(() => decodeEnvelope({ ...encodeEnvelope(envelope), [name]: value }), value).toThrow(damaged)
    }
  },
)

test('a part size of zero is damaged', () => {
  const headers = { ...encodeEnvelope(envelope), [V2_HEADERS.dataSize]: '0', [V2_HEADERS.partSize]: '0' }
  expect(() => decodeEnvelope(headers)).toThrow(damaged)
})

test('a V1 envelope is decoded, with either name of its description', () => {
  for (const name of [V1_HEADERS.materialDescription, V1_HEADERS.documentedMaterialDescription]) {
    expect(
      decodeEnvelope({ ...v1, [name]: '{"a": "b"}', 'X-OSS-Meta-Unencrypted-Content-Length': '7' }),
    ).toMatchObject({
      version: 1,
      wrappedCek: 'a2V5',
      wrappedStart: 'c3RhcnQ=',
      wrapAlgorithm: 'rsa',
      materialDescription: { a: 'b' },
      unencryptedContentLength: 7,
    })
  }
})

test('a V1 envelope with a header missing or another content algorithm is refused', () => {
  for (const name of Object.keys(v1)) {
    const rest = Object.fromEntries(Object.entries(v1).filter(([other]) => other !== name))
    expect(() => decodeEnvelope(rest)).toThrow(damaged)
  }
  expect(() => decodeEnvelope({ ...v1, [V1_HEADERS.cekAlgorithm]: 'AES/CTR/NoPadding' })).toThrow(
    expect.objectContaining({ code: 'ERR_CSE_UNSUPPORTED_ALGORITHM' }),
  )
})

test('any headers lead to an envelope, a plain object or a CseError', () => {
  const name = fc.oneof(
    fc.constantFrom(...Object.values(V2_HEADERS), ...Object.values(V1_HEADERS)),
    fc.string(),
  )
  fc.assert(
    fc.property(
      fc.dictionary(name, fc.oneof(fc.string(), fc.constantFrom('AES/CTR/NoPadding', '12', '{}'))),
      (headers) => {
        try {
          const decoded = decodeEnvelope(headers)
          expect(decoded === undefined || decoded.version === 1 || decoded.version === 2).toBe(true)
        } catch (error) {
          expect(CseError.isInstance(error)).toBe(true)
        }
      },
    ),
    { numRuns: 500 },
  )
})

test('a V1 envelope is encoded under exactly the names that oss2 2.10 reads, and decoded again', () => {
  const written = {
    ...v1,
    'x-oss-meta-unencrypted-content-length': '5',
    'x-oss-meta-unencrypted-content-md5': 'bWQ1',
  }
  const decoded = decodeEnvelope(written)
  expect(decoded && encodeEnvelope(decoded)).toEqual(written)
  expect(Object.keys(v1)).toEqual([
    'x-oss-meta-oss-crypto-key',
    'x-oss-meta-oss-crypto-start',
    'x-oss-meta-oss-cek-alg',
    'x-oss-meta-oss-wrap-alg',
  ])
})

test('a V1 envelope with a description, or with a field that is not valid in a header, is not encoded', () => {
  const decoded = decodeEnvelope(v1) as EnvelopeV1
  for (const change of [{ materialDescription: { a: 'b' } }, { wrappedStart: 'a b' }, { wrappedCek: '' }]) {
    expect(() => encodeEnvelope({ ...decoded, ...change })).toThrow(
      expect.objectContaining({ code: 'ERR_CSE_INVALID_ARGUMENT' }),
    )
  }
})

test('a V1 envelope with two different descriptions is damaged; an empty one is ignored', () => {
  const both = (a: string, b: string) => ({
    ...v1,
    [V1_HEADERS.materialDescription]: a,
    [V1_HEADERS.documentedMaterialDescription]: b,
  })
  expect(() => decodeEnvelope(both('{"a":"1"}', '{"a":"2"}'))).toThrow(damaged)
  for (const headers of [both('{"a":"1"}', '{ "a": "1" }'), both('', '{"a":"1"}'), both('{"a":"1"}', '{}')]) {
    expect(decodeEnvelope(headers)?.materialDescription).toEqual({ a: '1' })
  }
})
