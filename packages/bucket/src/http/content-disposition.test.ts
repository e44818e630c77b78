import fc from 'fast-check'
import { expect, test } from 'vitest'
import { contentDisposition, dispositionName, isAttachment } from './content-disposition.ts'

test.each([
  ['report.pdf', 'filename="report.pdf"'],
  ['a b;c.txt', 'filename="a b;c.txt"'],
  ['say "hi".txt', 'filename="say _hi_.txt"; filename*=UTF-8\'\'say%20%22hi%22.txt'],
  ['100%41.txt', 'filename="100_41.txt"; filename*=UTF-8\'\'100%2541.txt'],
  ['电影.mp4', 'filename="__.mp4"; filename*=UTF-8\'\'%E7%94%B5%E5%BD%B1.mp4'],
  ["é'(*)!", "filename=\"_'(*)!\"; filename*=UTF-8''%C3%A9%27%28%2A%29!"],
  ['../../etc/passwd', 'filename=".._.._etc_passwd"'],
  ['a\\b', 'filename="a_b"'],
  ['a\r\nset-cookie: b', 'filename="a__set-cookie: b"'],
  ['\ud800', 'filename="_"'],
  ['gpj.\u202eexe', 'filename="gpj._exe"'],
  ['', 'filename="download"'],
  ['..', 'filename="download"'],
])('the name %j is written as %s', (name, written) => {
  expect(contentDisposition('attachment', name)).toBe(`attachment; ${written}`)
})

test('any name is a valid header, and is read back unless characters of it had to be replaced', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (name) => {
      const header = contentDisposition('inline', name)
      expect(new Headers({ 'content-disposition': header }).get('content-disposition')).toBe(header)
      expect(isAttachment(header)).toBe(false)
      const read = dispositionName(header) ?? ''
      expect(contentDisposition('inline', read)).toBe(header)
      if (!/[\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069/\\]|^\.{0,2}$/u.test(name)) expect(read).toBe(name)
    }),
  )
})

test.each([
  ['attachment; filename=a.txt', 'a.txt'],
  ['attachment; filename="a \\"b\\".txt"', 'a "b".txt'],
  ["attachment; filename=a; filename*=utf-8'en'%E2%82%AC", '€'],
  ["attachment; filename=a; filename*=UTF-8''%ff", 'a'],
  ["attachment; filename*=ISO-8859-1''%e9", undefined],
  ['attachment', undefined],
  ['', undefined],
])('the name in %j is %j', (header, name) => {
  expect(dispositionName(header)).toBe(name)
})

test.each([
  ['attachment', true],
  [' Attachment ; filename=a', true],
  ['attachments', false],
  ['inline; filename=attachment', false],
  ['', false],
])('%j asks for a download: %s', (header, asks) => {
  expect(isAttachment(header)).toBe(asks)
})
