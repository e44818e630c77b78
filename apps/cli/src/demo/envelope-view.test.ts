import { encodeBase64, encodeEnvelope } from '@oss-cse/crypto-core'
import { expect, test } from 'vitest'
import { ENVELOPE_PREFIX, envelopeRows } from './envelope-view.ts'

const wrapped = encodeBase64(Uint8Array.from({ length: 384 }, (_, index) => index % 251))
const headers = encodeEnvelope({
  version: 2,
  wrappedCek: wrapped,
  wrappedIv: wrapped,
  cekAlgorithm: 'AES/CTR/NoPadding',
  wrapAlgorithm: 'RSA/NONE/PKCS1Padding',
  materialDescription: { key: 'demo' },
  unencryptedContentLength: 1996,
  unencryptedContentMd5: '1B2M2Y8AsgTpgAmY7PhCfg==',
  dataSizeBytes: 1996,
  partSizeBytes: 1024,
})

test('every header of an envelope has a row, and no other header has one', () => {
  const rows = envelopeRows({ ...headers, 'x-oss-meta-colour': 'green', etag: '"1"' })
  expect(rows.map(({ name }) => `${ENVELOPE_PREFIX}${name}`).toSorted()).toEqual(
    Object.keys(headers).toSorted(),
  )
  for (const { meaning } of rows) expect(meaning).not.toBe('')
})

test('wrapped keys are shortened, other values are shown whole', () => {
  const values = Object.fromEntries(envelopeRows(headers).map(({ name, value }) => [name, value]))
  expect(values['key']).toBe(`${wrapped.slice(0, 5)}…${wrapped.slice(-5)} (512 chars)`)
  expect(values['start']).toBe(values['key'])
  expect(values['matdesc']).toBe('{"key":"demo"}')
  expect(values['unencrypted-content-length']).toBe('1996')
})

test('an object without an envelope has no rows', () => {
  expect(envelopeRows({ 'content-length': '3' })).toEqual([])
})
