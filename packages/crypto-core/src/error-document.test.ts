import { expect, test } from 'vitest'
import {
  completeDocument,
  isErrorDocument,
  parseErrorDocument,
  plainDocument,
  rootElement,
} from './error-document.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

test('only four fields of an error document are returned', () => {
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
])('%s is not an error document', (_, text, root) => {
  expect(isErrorDocument(bytes(text))).toBe(false)
  expect(parseErrorDocument(bytes(text))).toEqual({})
  expect(rootElement(bytes(text))).toBe(root)
})

test('the root is found after a byte order mark, and in an empty element', () => {
  expect(rootElement(bytes('\ufeff<DeleteResult/>'))).toBe('DeleteResult')
  expect(isErrorDocument(bytes('  <Error/>'))).toBe(true)
})

test('only the ids that a document lacks are taken from the headers', () => {
  const headers = { 'x-oss-request-id': 'of the header', 'x-oss-ec': '0026-00000001' }
  expect(completeDocument({ serviceCode: 'AccessDenied', requestId: 'of the document' }, headers)).toEqual({
    serviceCode: 'AccessDenied',
    requestId: 'of the document',
    ec: '0026-00000001',
  })
  expect(completeDocument({}, {})).toEqual({})
})

test('for a presigned URL only codes and ids are shown, and only those with a valid form', () => {
  const url = '/a?Signature=s3cret'
  expect(plainDocument({ serviceCode: url, message: url, requestId: url, ec: url })).toEqual({})
  expect(plainDocument({ serviceCode: 'x'.repeat(65), requestId: '', ec: 'a\nb' })).toEqual({})
  const plain = { serviceCode: 'NoSuchKey', requestId: '6556E3AED11E553933CCDEDF', ec: '0026-00000001' }
  expect(plainDocument({ ...plain, message: 'short' })).toEqual(plain)
})
