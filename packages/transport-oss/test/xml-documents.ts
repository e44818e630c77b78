import fc from 'fast-check'

/** Returns mostly one of the plain values, and sometimes an odd one. */
function mostly<T>(plain: readonly T[], odd: readonly T[]): fc.Arbitrary<T> {
  return fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom(...plain) },
    { weight: 1, arbitrary: fc.constantFrom(...odd) },
  )
}

const UPLOAD_ID = '0004B9894A22E5B1888A1E29F8236E2D'
const text = fc
  .array(
    mostly(
      [
        'a',
        ' ',
        '\n',
        '\r\n',
        '\t',
        '\u00a0',
        '\ufeff',
        '"',
        "'",
        '>',
        ']]>',
        '=',
        '文',
        '😀',
        '\0',
        '\x7f',
      ].concat([
        '&amp;',
        '&lt;',
        '&gt;',
        '&quot;',
        '&apos;',
        '&#34;',
        '&#39;',
        '&amp;amp;',
        'amp;',
        '#39;',
        UPLOAD_ID,
      ]),
      [
        '&amp',
        '&',
        '&;',
        '&#;',
        '&#65;',
        '&#x41;',
        '&#0;',
        '&#1;',
        '&#xd800;',
        '&#x110000;',
        '&nbsp;',
        '&AMP;',
      ].concat([
        '&constructor;',
        '<![CDATA[<a>&x;]]>',
        '<![CDATA[]]>',
        '<!-- <a> -->',
        '<?p i?>',
        '<B>c</B>',
        '<B/>',
        '<',
      ]),
    ),
    { maxLength: 4 },
  )
  .map((parts) => parts.join(''))
const space = mostly(['', '\n  ', '\t'], ['\u00a0', 'x', '<!-- c -->', '&amp;', '<![CDATA[ ]]>'])
const element = (name: string) =>
  fc
    .tuple(mostly([''], [' ', ' a="b"', ' a', '/']), text, mostly([''], [' ', 'X']), space)
    .map(([inside, content, end, after]) => `<${name}${inside}>${content}</${name}${end}>${after}`)
const elements = fc
  .tuple(
    fc.shuffledSubarray(['UploadId', 'Key', 'Bucket', 'ETag']),
    fc.array(mostly(['UploadId'], ['a:b', 'toString', 'cdata', 'Upload-Id']), { maxLength: 1 }),
    fc.boolean(),
  )
  .chain(([names, more, hasMore]) => fc.tuple(...[...names, ...(hasMore ? more : [])].map(element)))
const prolog = mostly(
  ['', '<?xml version="1.0" encoding="UTF-8"?>\n', '<?xml version="1.0"?>', '\ufeff'],
  [
    "<?xml version='1.0'?>",
    '\n',
    '\ufeff\ufeff',
    '<!DOCTYPE a>',
    '<!-- c -->',
    '<?xml?>',
    'x',
    '\u00a0',
  ].concat(['<?xml version="1.0" encoding="GBK"?>']),
)
const attributes = mostly(['', ' xmlns="http://doc.oss.com"'], [' a="b"', ' a="b" a="c"', ' ', '/'])
const tail = mostly(['', '\n'], ['\u00a0', 'x', '<a/>', '<!-- c -->', '\0', '</a>'])

/** A document with one of these names of its root. It is often flat, and sometimes not well-formed. */
export function xmlDocuments(...roots: readonly string[]): fc.Arbitrary<string> {
  const cut = fc.nat()
  return fc
    .tuple(prolog, fc.constantFrom(...roots), attributes, space, elements, tail, mostly([false], [true]), cut)
    .map(([begin, root, inside, before, content, end, breaksOff, length]) => {
      const document = `${begin}<${root}${inside}>${before}${content.join('')}</${root}>${end}`
      return breaksOff ? document.slice(0, length % document.length) : document
    })
}
