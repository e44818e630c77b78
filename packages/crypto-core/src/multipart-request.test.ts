import { expect, test } from 'vitest'
import {
  checkPartNumber,
  checkParts,
  checkUploadId,
  completionDocument,
  laterHeaders,
} from './multipart-request.ts'

const REFUSED = expect.objectContaining({ code: 'ERR_CSE_INVALID_ARGUMENT', objectKey: 'k' })

test.each([0, -1, 1.5, 10_001, Number.NaN, '1'])('the part number %s is refused', (partNumber) => {
  expect(() => checkPartNumber(partNumber as number, 'k')).toThrow(REFUSED)
})

test.each(['', undefined, 5])('the upload id %j is refused', (uploadId) => {
  expect(() => checkUploadId(uploadId as string, 'k')).toThrow(REFUSED)
})

test.each([
  ['no parts', []],
  ['a part twice', [1, 1].map((partNumber) => ({ partNumber, etag: '"e"' }))],
  ['an ETag with markup', [{ partNumber: 1, etag: '"e"</ETag><ETag>"f"' }]],
  ['an ETag with an entity', [{ partNumber: 1, etag: '&quot;e&quot;' }]],
  ['no ETag', [{ partNumber: 1 }]],
])('a completion with %s is refused', (_what, parts) => {
  expect(() => checkParts(parts as { partNumber: number; etag: string }[], 'k')).toThrow(REFUSED)
})

test('a completion lists its parts by number', () => {
  const parts = [2, 10, 1].map((partNumber) => ({ partNumber, etag: `"${partNumber}"` }))
  checkParts(parts, 'k')
  expect(completionDocument(parts).match(/\d+(?=<\/PartNumber>)/g)).toEqual(['1', '2', '10'])
})

test('what follows the beginning of an upload leaves out the headers that only the beginning may have', () => {
  const kept = { 'x-oss-meta-a': 'b' }
  expect(
    laterHeaders({ ...kept, 'x-oss-storage-class': 'IA', 'x-oss-server-side-encryption': 'KMS' }),
  ).toEqual(kept)
})
