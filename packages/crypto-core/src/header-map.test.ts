import { expect, test } from 'vitest'
import { checkMetadataSize, metadataHeaders, userMetadata } from './header-map.ts'

const invalid = expect.objectContaining({ code: 'ERR_CSE_INVALID_ARGUMENT' })

test('metadata is sent as x-oss-meta headers, and is returned without the envelope', () => {
  const headers = metadataHeaders({ Author: 'me', n: '1' })
  expect(headers).toEqual({ 'x-oss-meta-author': 'me', 'x-oss-meta-n': '1' })
  expect(
    userMetadata({
      ...headers,
      'X-Oss-Meta-Client-Side-Encryption-Key': 'x',
      'x-oss-meta-oss-crypto-key': 'y',
      etag: 'z',
    }),
  ).toEqual({
    author: 'me',
    n: '1',
  })
})

test.each([
  'a_b',
  'a b',
  '',
  'ä',
  'client-side-encryption-key',
  'Client-Side-Encryption-Matdesc',
  'oss-crypto-key',
])('the metadata name %j is refused', (name) => {
  expect(() => metadataHeaders({ [name]: 'x' })).toThrow(invalid)
})

test.each(['__proto__', 'constructor', 'Constructor', 'prototype', '__PROTO__'])(
  'the metadata name %s is refused, because every object has it',
  (name) => {
    expect(() => metadataHeaders({ [name]: 'x' })).toThrow(
      expect.objectContaining({ code: 'ERR_CSE_INVALID_ARGUMENT', message: expect.stringContaining(name) }),
    )
    expect(() => metadataHeaders({ [name]: 'x' })).toThrow(/every JavaScript object has/)
  },
)

test('metadata that others stored under names of every object is returned, and changes no object', () => {
  const headers = Object.fromEntries(
    ['__proto__', 'constructor', 'prototype', 'toString'].map((name) => [`x-oss-meta-${name}`, `of ${name}`]),
  )
  const metadata = userMetadata(headers)
  expect(Object.entries(metadata)).toEqual([
    ['__proto__', 'of __proto__'],
    ['constructor', 'of constructor'],
    ['prototype', 'of prototype'],
    ['tostring', 'of toString'],
  ])
  expect(Object.getPrototypeOf(metadata)).toBe(Object.prototype)
})

test('names that every object has are not in the metadata unless a header has them', () => {
  expect(Object.keys(userMetadata({ etag: 'x' }))).toEqual([])
})

test.each(['ä', 'a\nb', ' a', 'a ', '\u0000'])(
  'the metadata value %j is refused, because it would be altered on the way',
  (value) => {
    expect(() => metadataHeaders({ a: value })).toThrow(invalid)
  },
)

test('a metadata name given twice in different case is refused', () => {
  expect(() => metadataHeaders({ a: '1', A: '2' })).toThrow(invalid)
})

test('the limit of all metadata is exactly 8 KiB, including names', () => {
  const name = 'x-oss-meta-a'
  const fits = { [name]: 'v'.repeat(8192 - name.length), 'content-type': 'x'.repeat(9000) }
  expect(() => checkMetadataSize(fits)).not.toThrow()
  expect(() => checkMetadataSize({ ...fits, [name]: `${fits[name]}v` })).toThrow(
    expect.objectContaining({ code: 'ERR_CSE_METADATA_TOO_LARGE' }),
  )
})
