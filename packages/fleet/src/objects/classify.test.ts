import { OSS_HEADERS } from '@oss-cse/crypto-core'
import { V2_HEADERS } from '@oss-cse/crypto-core/internal'
import { expect, test } from 'vitest'
import { classify } from './classify.ts'

const V2 = {
  [V2_HEADERS.wrappedCek]: 'cek',
  [V2_HEADERS.wrappedIv]: 'iv',
  [V2_HEADERS.cekAlgorithm]: 'AES/CTR/NoPadding',
  [V2_HEADERS.wrapAlgorithm]: 'KMS/ALICLOUD',
}
const SEALED = { ...V2, [V2_HEADERS.cekAlgorithm]: 'AES256_GCM_HKDF_64KB' }
const Z = 65_536

test('an envelope without the length of the plaintext fits any length', () => {
  expect(classify(V2, 5)).toEqual({
    outcome: 'encrypted',
    envelopeVersion: 2,
    format: 'aes-ctr',
    wrapAlgorithm: 'KMS/ALICLOUD',
    materialDescription: {},
  })
})

test.each([
  ['AES-CTR, the length of the plaintext', V2, V2_HEADERS.unencryptedContentLength, 5, 5, 6],
  ['AES-CTR, the length of an upload in parts', V2, V2_HEADERS.dataSize, 5, 5, 4],
  ['sealed, the length of the plaintext', SEALED, V2_HEADERS.unencryptedContentLength, 5, 61, 62],
  ['sealed, the stored length of an upload in parts', SEALED, V2_HEADERS.dataSize, 2 * Z, 2 * Z, 2 * Z - 1],
] as const)('a recorded length must fit (%s)', (_, envelope, header, recorded, fitting, other) => {
  const headers = { ...envelope, [header]: String(recorded) }
  const code = envelope === V2 ? 'ERR_CSE_INTEGRITY' : 'ERR_CSE_AUTHENTICATION_FAILED'
  expect(classify(headers, fitting)).toMatchObject({ outcome: 'encrypted' })
  expect(classify(headers, other)).toMatchObject({ outcome: 'altered', code, wrapAlgorithm: 'KMS/ALICLOUD' })
})

test.each([0, 55, Z + 1, Z + 16])('no sealed object has %i stored bytes', (sizeBytes) => {
  expect(classify(SEALED, sizeBytes)).toMatchObject({
    outcome: 'altered',
    code: 'ERR_CSE_AUTHENTICATION_FAILED',
    format: 'sealed',
  })
})

test.each([
  ['an incomplete envelope', { [V2_HEADERS.wrappedCek]: 'cek' }, 'ERR_CSE_ENVELOPE_DAMAGED'],
  ['envelopes of both versions', { ...V2, 'x-oss-meta-oss-crypto-key': 'cek' }, 'ERR_CSE_ENVELOPE_DAMAGED'],
  ['an unknown algorithm', { ...V2, [V2_HEADERS.cekAlgorithm]: 'ROT13' }, 'ERR_CSE_UNSUPPORTED_ALGORITHM'],
])('%s is damaged', (_, headers, code) => {
  expect(classify(headers, 5)).toEqual({ outcome: 'damaged', code })
})

test.each([
  ['Standard', undefined, undefined],
  ['IA', undefined, undefined],
  ['Archive', undefined, true],
  ['ColdArchive', 'ongoing-request="true"', true],
  ['DeepColdArchive', 'ongoing-request="false", expiry-date="Sun, 16 Apr 2017 08:12:33 GMT"', undefined],
])('an object of the class %s with the restore %s needs one: %s', (storageClass, restore, needsRestore) => {
  const headers = {
    [OSS_HEADERS.objectType]: 'Normal',
    [OSS_HEADERS.storageClass]: storageClass,
    ...(restore !== undefined && { [OSS_HEADERS.restore]: restore }),
  }
  const { needsRestore: found, ...rest } = classify(headers, 5)
  expect(rest).toEqual({ outcome: 'plain', objectType: 'Normal', storageClass })
  expect(found).toBe(needsRestore)
})

test('a symbolic link is no plain object, whatever else its headers say', () => {
  expect(classify({ ...V2, [OSS_HEADERS.objectType]: 'Symlink' }, 5)).toEqual({
    outcome: 'link',
    objectType: 'Symlink',
  })
})
