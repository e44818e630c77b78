import { describe, expect, test } from 'vitest'
import {
  lastListedName,
  objectPageProblem,
  partPageProblem,
  uploadPageProblem,
  versionPageProblem,
} from './listing-pages.ts'
import type { DeleteMarker, ObjectSummary, ObjectVersion, PendingUpload, UploadedPart } from './ports.ts'

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

describe('a page of versions', () => {
  const version = (key: string, versionId: string, isLatest = false): ObjectVersion => ({
    ...object(key),
    versionId,
    isLatest,
    isDeleteMarker: false,
  })
  const marker = (key: string, versionId: string, isLatest = false): DeleteMarker => ({
    key,
    versionId,
    isLatest,
    isDeleteMarker: true,
    lastModified: date,
  })
  const maxKeys = 3
  const position = { maxKeys, keyMarker: 'c', versionIdMarker: '5' }

  test('with valid entries is valid, and can continue a key', () => {
    expect(versionPageProblem({ versions: [] }, { maxKeys })).toBeUndefined()
    const first = [marker('｡', '2', true), version('｡', '1'), version('😀', 'null', true)]
    const next = { nextKeyMarker: '😀', nextVersionIdMarker: 'null' }
    expect(versionPageProblem({ versions: first, ...next }, { maxKeys })).toBeUndefined()
    const second = [version('c', '4'), marker('c', '3'), version('d', '1', true)]
    expect(versionPageProblem({ versions: second }, position)).toBeUndefined()
    const same = { nextKeyMarker: 'c', nextVersionIdMarker: '3' }
    expect(versionPageProblem({ versions: second.slice(0, 2), ...same }, position)).toBeUndefined()
  })

  test('may begin with the latest version of the continued key, if a newer one was deleted meanwhile', () => {
    expect(versionPageProblem({ versions: [version('c', '4', true)] }, position)).toBeUndefined()
  })

  test.each([
    ['no list', { versions: undefined }],
    ['more entries than requested', { versions: ['4', '3', '2', '1'].map((id) => version('d', id)) }],
    ['undefined for a version', { versions: [undefined] }],
    ['a version without a key', { versions: [{ ...version('d', '1'), key: '' }] }],
    ['a version without an id', { versions: [{ ...version('d', '1'), versionId: undefined }] }],
    ['a marker without an id', { versions: [{ ...marker('d', '1'), versionId: '' }] }],
    ['a version that may be the latest', { versions: [{ ...version('d', '1'), isLatest: 'true' }] }],
    ['a bad date', { versions: [{ ...marker('d', '1'), lastModified: new Date('x') }] }],
    ['a bad size', { versions: [{ ...version('d', '1'), sizeBytes: Number.NaN }] }],
    ['a version without an ETag', { versions: [{ ...version('d', '1'), etag: undefined }] }],
    ['a key that was listed before', { versions: [version('b', '1')] }],
    ['keys in another order', { versions: [version('e', '1'), version('d', '1')] }],
    ['two latest versions of a key', { versions: [version('d', '2', true), version('d', '1', true)] }],
    ['an empty marker', { versions: [], nextKeyMarker: '' }],
    ['only a marker of the version', { versions: [], nextVersionIdMarker: '4' }],
    ['a marker that goes back', { versions: [], nextKeyMarker: 'b', nextVersionIdMarker: '4' }],
    ['a marker before its last key', { versions: [version('e', '1')], nextKeyMarker: 'd' }],
    ['the markers of its request', { versions: [], nextKeyMarker: 'c', nextVersionIdMarker: '5' }],
    ['the key of its request alone', { versions: [], nextKeyMarker: 'c' }],
  ] as [string, never][])('with %s is invalid', (_what, page) => {
    expect(versionPageProblem(page, position)).toMatch(/\w/)
  })

  test('does not have the key after which it starts', () => {
    const page = { versions: [version('c', '1')] }
    expect(versionPageProblem(page, { maxKeys, keyMarker: 'c' })).toMatch(/order/)
  })
})
