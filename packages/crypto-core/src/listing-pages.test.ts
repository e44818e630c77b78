import { describe, expect, test } from 'vitest'
import { lastListedName, objectPageProblem, partPageProblem, uploadPageProblem } from './listing-pages.ts'
import type { ObjectSummary, PendingUpload, UploadedPart } from './ports.ts'

const date = new Date(0)
const object = (key: string): ObjectSummary => ({ key, sizeBytes: 1, etag: '"e"', lastModified: date })
const objects = (...keys: string[]) => ({ objects: keys.map(object), prefixes: [] })
const part = (partNumber: number): UploadedPart => ({ partNumber, etag: '"e"', sizeBytes: 1 })
const parts = (...numbers: number[]) => ({ parts: numbers.map(part) })
const upload = (key: string, uploadId = 'u'): PendingUpload => ({ key, uploadId, initiated: date })

describe('a page of objects', () => {
  test('with valid entries is valid', () => {
    expect(objectPageProblem({ objects: [], prefixes: [] }, { maxKeys: 1 })).toBeUndefined()
    const page = { objects: [object('b')], prefixes: ['c/'], nextContinuationToken: 't' }
    const position = { maxKeys: 2, after: 'a', continuationToken: 's' }
    expect(objectPageProblem(page, position)).toBeUndefined()
  })

  test('may be empty and have a next page', () => {
    const page = { ...objects(), nextContinuationToken: 't' }
    expect(objectPageProblem(page, { maxKeys: 1000, continuationToken: 's' })).toBeUndefined()
  })

  test.each([
    ['more entries than requested', objects('a', 'b', 'c')],
    ['more prefixes than requested', { objects: [], prefixes: ['a/', 'b/', 'c/'] }],
    ['no list', { objects: undefined, prefixes: [] }],
    ['undefined for an object', { objects: [undefined], prefixes: [] }],
    ['an object without a key', { objects: [{ ...object('a'), key: undefined }], prefixes: [] }],
    ['an object whose key is not a string', { objects: [{ ...object('a'), key: ['a'] }], prefixes: [] }],
    ['an object without a date', { objects: [{ ...object('a'), lastModified: undefined }], prefixes: [] }],
    ['a bad date', { objects: [{ ...object('a'), lastModified: new Date('x') }], prefixes: [] }],
    ['an object without an ETag', { objects: [{ ...object('a'), etag: undefined }], prefixes: [] }],
    ['an empty prefix', { objects: [], prefixes: [''] }],
    ['an empty token', { ...objects('a'), nextContinuationToken: '' }],
    ['the token of its request', { ...objects('a'), nextContinuationToken: 's' }],
    ['a key that was listed before', objects('B', 'C')],
    ['a key after it, and one that was listed before', objects('b', 'B')],
    ['a prefix before the last key', { objects: [], prefixes: ['A/'] }],
    ...[Number.NaN, -1, 1.5, Number.POSITIVE_INFINITY, 2 ** 53, '1', undefined].map((sizeBytes) => [
      `the size ${sizeBytes}`,
      { objects: [{ ...object('b'), sizeBytes }], prefixes: [] },
    ]),
  ] as [string, never][])('with %s is invalid', (_what, page) => {
    expect(objectPageProblem(page, { maxKeys: 2, after: 'C', continuationToken: 's' })).toMatch(/\w/)
  })

  test('continues after its greatest key or prefix, in byte order', () => {
    expect(lastListedName({ objects: [object('a'), object('｡'), object('😀')], prefixes: ['b/'] }, 'A')).toBe(
      '😀',
    )
    expect(lastListedName({ objects: [object('a')], prefixes: ['b/'] }, undefined)).toBe('b/')
    expect(lastListedName(objects(), 'A')).toBe('A')
    expect(objectPageProblem(objects('😀'), { maxKeys: 1, after: '｡' })).toBeUndefined()
    expect(objectPageProblem(objects('｡'), { maxKeys: 1, after: '😀' })).toMatch(/come after/)
  })
})

describe('a page of parts', () => {
  test('with valid entries is valid', () => {
    expect(partPageProblem(parts(), { after: 0 })).toBeUndefined()
    const page = { ...parts(2, 10_000), nextMarker: '10000' }
    expect(partPageProblem(page, { after: 1, marker: '1' })).toBeUndefined()
    expect(partPageProblem({ parts: [{ partNumber: 1, etag: 'e' }] }, { after: 0 })).toBeUndefined()
  })

  test.each([
    ['no list', { parts: undefined }],
    ['undefined for a part', { parts: [undefined] }],
    ['more than 1,000 parts', parts(...Array.from({ length: 1001 }, (_, i) => i + 6))],
    ['200,000 parts', { parts: Array.from({ length: 200_000 }, (_, i) => part(i + 6)) }],
    ['a part before the marker', parts(4)],
    ['the part of the marker', parts(5)],
    ['a part twice', parts(6, 6)],
    ['parts in another order', parts(7, 6)],
    ...[0, -1, 10_001, 6.5, Number.NaN, Number.POSITIVE_INFINITY, '6'].map((number) => [
      `the part number ${number}`,
      parts(number as number),
    ]),
    ...[-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '6'].map((sizeBytes) => [
      `the size ${sizeBytes}`,
      { parts: [{ ...part(6), sizeBytes }] },
    ]),
    ['a part without an ETag', { parts: [{ ...part(6), etag: undefined }] }],
    ['an empty marker', { ...parts(6), nextMarker: '' }],
    ['the marker of its request', { ...parts(6), nextMarker: '5' }],
    ['a marker without a part', { ...parts(), nextMarker: '6' }],
  ] as [string, never][])('with %s is invalid', (_what, page) => {
    expect(partPageProblem(page, { after: 5, marker: '5' })).toMatch(/\w/)
  })
})

describe('a page of uploads', () => {
  test.each([
    [{ nextKeyMarker: 'l' }],
    [{ nextKeyMarker: 'l', nextUploadIdMarker: 'a' }],
    [{ nextKeyMarker: 'k', nextUploadIdMarker: 'n' }],
    [{}],
  ])('with valid entries and the markers %j is valid', (markers) => {
    const page = { uploads: [upload('x'), { key: 'y', uploadId: 'u' }], ...markers }
    expect(uploadPageProblem(page, { keyMarker: 'k', uploadIdMarker: 'm' })).toBeUndefined()
  })

  test.each([
    ['no list', { uploads: undefined }],
    ['undefined for an upload', { uploads: [undefined] }],
    ['more than 1,000 uploads', { uploads: Array.from({ length: 1001 }, () => upload('x')) }],
    ['an upload without a key', { uploads: [upload('')] }],
    ['an upload without an id', { uploads: [upload('x', '')] }],
    ['a bad date', { uploads: [{ ...upload('x'), initiated: new Date('x') }] }],
    ['an empty key marker', { uploads: [], nextKeyMarker: '' }],
    ['an upload id marker alone', { uploads: [], nextUploadIdMarker: 'z' }],
    ['the key marker of its request', { uploads: [], nextKeyMarker: 'k' }],
    ['the markers of its request', { uploads: [], nextKeyMarker: 'k', nextUploadIdMarker: 'm' }],
    ['an upload id marker that decreases', { uploads: [], nextKeyMarker: 'k', nextUploadIdMarker: 'a' }],
    ['a key marker that decreases', { uploads: [], nextKeyMarker: 'a', nextUploadIdMarker: 'z' }],
  ] as [string, never][])('with %s is invalid', (_what, page) => {
    expect(uploadPageProblem(page, { keyMarker: 'k', uploadIdMarker: 'm' })).toMatch(/\w/)
  })
})
