import { expect, test } from 'vitest'
import { flatDocument } from './flat-document.ts'

const read = (text: string) => {
  const texts = flatDocument(new TextEncoder().encode(text))
  return texts && Object.fromEntries(texts)
}

test.each([
  [
    'the begin of a multipart upload',
    `<?xml version="1.0" encoding="UTF-8"?>
<InitiateMultipartUploadResult xmlns="http://doc.oss-cn-hangzhou.aliyuncs.com">
    <Bucket>oss-example</Bucket>
    <Key>multipart.data</Key>
    <UploadId>0004B9894A22E5B1888A1E29F8236E2D</UploadId>
</InitiateMultipartUploadResult>`,
    { Bucket: 'oss-example', Key: 'multipart.data', UploadId: '0004B9894A22E5B1888A1E29F8236E2D' },
  ],
  [
    'the end of a multipart upload',
    `<?xml version="1.0" encoding="UTF-8"?>
<CompleteMultipartUploadResult>
  <EncodingType>url</EncodingType>
  <Location>http://oss-example.oss-cn-hangzhou.aliyuncs.com/multipart.data</Location>
  <ETag>"B864DB6A936D376F9F8D3ED3BBE540DD-3"</ETag>
</CompleteMultipartUploadResult>
`,
    {
      EncodingType: 'url',
      Location: 'http://oss-example.oss-cn-hangzhou.aliyuncs.com/multipart.data',
      ETag: '"B864DB6A936D376F9F8D3ED3BBE540DD-3"',
    },
  ],
  ['no elements', '<A></A>', {}],
  ['a byte order mark', '\ufeff<A><B>c</B></A>', { B: 'c' }],
  ['white space in a text', '<A><B> c\n</B><C> </C><D></D></A>', { B: ' c\n', C: ' ', D: '' }],
  ['entities', '<A><B>&amp;lt;&lt;&gt;&quot;&apos;&#39;&#34;</B></A>', { B: '&lt;<>"\'\'"' }],
])('a document with %s is read', (_what, text, texts) => {
  expect(read(text)).toEqual(texts)
})

test.each([
  ['nothing', ''],
  ['text alone', 'A'],
  ['an element twice', '<A><B>c</B><B>c</B></A>'],
  ['an element in an element', '<A><B><C>d</C></B></A>'],
  ['text beside its elements', '<A>b<C>d</C></A>'],
  ['an empty element', '<A><B/></A>'],
  ['an attribute of an element', '<A><B c="d">e</B></A>'],
  ['a comment', '<A><B>c<!-- d --></B></A>'],
  ['a comment between elements', '<A><!-- c --><B>d</B></A>'],
  ['CDATA', '<A><B><![CDATA[c]]></B></A>'],
  ['a document type', '<!DOCTYPE A><A><B>c</B></A>'],
  ['a number for a character', '<A><B>&#65;</B></A>'],
  ['an entity that XML does not define', '<A><B>&nbsp;</B></A>'],
  ['an entity of every object', '<A><B>&constructor;</B></A>'],
  ['an ampersand', '<A><B>a & b</B></A>'],
  ['an entity that is not ended', '<A><B>&amp</B></A>'],
  ['an element of every object', '<A><constructor>b</constructor></A>'],
  ['another end of an element', '<A><B>c</C></A>'],
  ['another end', '<A><B>c</B></B>'],
  ['no end', '<A><B>c</B>'],
  ['half an element', '<A><B>c'],
  ['something behind its root', '<A><B>c</B></A>d'],
  ['two roots', '<A><B>c</B></A><A></A>'],
  ['an encoding other than UTF-8', '<?xml version="1.0" encoding="GBK"?><A><B>c</B></A>'],
])('a document with %s is left to an XML parser', (_what, text) => {
  expect(read(text)).toBeUndefined()
})

test.each(['<', '<B>', '<B></B>', '&', '&amp;', 'B', ' ', '</A>', '<A xmlns="'])(
  'a document of only %j is read in one pass',
  (piece) => {
    const pumped = piece.repeat(1_000_000 / piece.length)
    for (const text of [pumped, `<A>${pumped}`, `<A><B>${pumped}</B></A>`, `<A>${pumped}</A>`]) read(text)
  },
)
