import { expect, test } from 'vitest'
import { objectAttributes } from './object-attributes.ts'

test('headers without attributes are those of an object that can be read, without tags', () => {
  expect(objectAttributes({ 'content-type': 'text/plain', 'x-oss-meta-object-type': 'x' })).toEqual({
    needsRestore: false,
    tagCount: 0,
  })
})

test('all attributes are read, whatever the case of the names', () => {
  const headers = {
    'X-Oss-Object-Type': 'Multipart',
    'x-oss-storage-class': 'IA',
    'x-oss-version-id': 'v1',
    'x-oss-tagging-count': '3',
    'x-oss-object-worm-mode': 'COMPLIANCE',
    'x-oss-object-worm-retain-until-date': '2027-01-01T00:00:00.000Z',
    'x-oss-server-side-encryption': 'KMS',
    'x-oss-server-side-encryption-key-id': 'key',
    'x-oss-server-side-data-encryption': 'SM4',
  }
  expect(objectAttributes(headers)).toEqual({
    type: 'Multipart',
    storageClass: 'IA',
    needsRestore: false,
    retention: { mode: 'COMPLIANCE', until: new Date('2027-01-01T00:00:00Z') },
    tagCount: 3,
    versionId: 'v1',
    serverSideEncryption: { algorithm: 'KMS', keyId: 'key', dataAlgorithm: 'SM4' },
  })
})

const EXPIRY = 'Sun, 16 Apr 2017 08:12:33 GMT'

test.each([
  ['Standard', undefined, false, undefined],
  ['IA', undefined, false, undefined],
  ['SomethingNew', undefined, false, undefined],
  ['Archive', undefined, true, undefined],
  ['ColdArchive', undefined, true, undefined],
  ['DeepColdArchive', undefined, true, undefined],
  ['Archive', 'ongoing-request="true"', true, { ongoing: true }],
  [
    'Archive',
    `ongoing-request="false", expiry-date="${EXPIRY}"`,
    false,
    { ongoing: false, expires: new Date(EXPIRY) },
  ],
  ['Archive', 'ongoing-request="false", expiry-date="some day"', false, { ongoing: false }],
  ['Archive', 'something new', true, undefined],
])(
  'an object of class %s with the restore %j: needs one: %s',
  (storageClass, text, needsRestore, restore) => {
    const attributes = objectAttributes({
      'x-oss-storage-class': storageClass,
      ...(text !== undefined && { 'x-oss-restore': text }),
    })
    expect(attributes).toEqual({ storageClass, needsRestore, tagCount: 0, ...(restore && { restore }) })
  },
)

test.each(['', '-1', '1.5', 'many', '99999'])('%j is no count of tags', (count) => {
  expect(objectAttributes({ 'x-oss-tagging-count': count }).tagCount).toBe(0)
})
