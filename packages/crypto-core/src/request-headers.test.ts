import { expect, it } from 'vitest'
import { copyHeaders, requestHeaders } from './request-headers.ts'

const refused = (code: string) => expect.objectContaining({ code, objectKey: 'k' })

it.each([
  ['a line break', 'x-oss-meta-a', 'b\nc'],
  ['a non-ASCII metadata value', 'x-oss-meta-a', 'é'],
  ['a non-ASCII content type', 'content-type', 'text/é'],
  ['a value outside Latin-1', 'content-disposition', '中'],
  ['a bad name', 'x oss', 'a'],
  ['an empty name', '', 'a'],
  ['the name __proto__', '__proto__', 'a'],
  ['metadata named __proto__', 'x-oss-meta-__proto__', 'a'],
  ['metadata named constructor', 'X-Oss-Meta-Constructor', 'a'],
  ['metadata named prototype', 'x-oss-meta-prototype', 'a'],
  ['a length of its own', 'Content-Length', '3'],
  ['a coding of its own', 'transfer-encoding', 'chunked'],
  ['a signature of its own', 'authorization', 'a'],
  ['a host of its own', 'host', 'a'],
  ['a trailer', 'Trailer', 'x'],
  ['an upgrade', 'upgrade', 'h2c'],
  ['an expectation', 'expect', '100-continue'],
])('a header with %s is refused', (_, name, value) => {
  expect(() => requestHeaders({ [name]: value }, 'k')).toThrow(refused('ERR_CSE_INVALID_ARGUMENT'))
})

it('a header that is given twice in different case is refused', () => {
  expect(() => requestHeaders({ 'If-Match': 'a', 'if-match': 'b' }, 'k')).toThrow(
    refused('ERR_CSE_INVALID_ARGUMENT'),
  )
})

it('a value that is not a string is refused, not dropped', () => {
  const headers = { 'x-oss-meta-a': undefined } as unknown as Record<string, string>
  expect(() => requestHeaders(headers, 'k')).toThrow(refused('ERR_CSE_INVALID_ARGUMENT'))
})

it('Latin-1 is allowed in unsigned headers, and empty values are allowed', () => {
  const headers = { 'content-disposition': 'attachment; filename="é"', 'x-oss-meta-empty': '' }
  expect(requestHeaders(headers, 'k')).toEqual(headers)
})

it.each([
  ['content-type', 'text/plain'],
  ['Cache-Control', 'no-store'],
  ['expires', 'x'],
  ['x-oss-meta-a', 'b'],
  ['x-oss-metadata-directive', 'REPLACE'],
])('a copy with %s is refused, because it would remove the envelope', (name, value) => {
  expect(() => copyHeaders({ [name]: value }, 'k')).toThrow(refused('ERR_CSE_OPERATION_REFUSED'))
})

it('a copy with the directive COPY, a condition, or a storage class is allowed', () => {
  const headers = {
    'x-oss-metadata-directive': 'COPY',
    'x-oss-copy-source-if-match': '"a"',
    'x-oss-storage-class': 'IA',
  }
  expect(copyHeaders(headers, 'k')).toEqual(headers)
})
