import { expect, test } from 'vitest'
import { isErrorDocument, parseErrorDocument, rootElement } from './error-document.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

test('an error document gives its four fields, and nothing else of it', () => {
  const document = `<?xml version="1.0" encoding="UTF-8"?>
<Error>
  <Code>NoSuchKey</Code><Message>No &lt;key&gt; &amp;#39;a&#39;</Message>
  <RequestId>5F0A</RequestId><EC>0026-00000001</EC><StringToSign>secret</StringToSign>
</Error>`
  expect(parseErrorDocument(bytes(document))).toEqual({
    serviceCode: 'NoSuchKey',
    message: "No <key> &#39;a'",
    requestId: '5F0A',
    ec: '0026-00000001',
  })
})

test.each([
  ['a page of a proxy', '<!DOCTYPE html><html><body>Login</body></html>', undefined],
  ['a page without a doctype', '<html><Code>NoSuchKey</Code></html>', 'html'],
  ['nothing', '', undefined],
  ['a text', 'NoSuchKey', undefined],
  ['an object that mentions an error', 'x<Error><Code>NoSuchKey</Code></Error>', undefined],
  ['another element', '<Errors><Code>NoSuchKey</Code></Errors>', 'Errors'],
  ['another document', '<?xml version="1.0"?>\n<ListBucketResult xmlns="x">', 'ListBucketResult'],
])('%s is no error document', (_, text, root) => {
  expect(isErrorDocument(bytes(text))).toBe(false)
  expect(parseErrorDocument(bytes(text))).toEqual({})
  expect(rootElement(bytes(text))).toBe(root)
})

test('a byte order mark and an empty element do not hide the root', () => {
  expect(rootElement(bytes('\ufeff<DeleteResult/>'))).toBe('DeleteResult')
  expect(isErrorDocument(bytes('  <Error/>'))).toBe(true)
})
