import fc from 'fast-check'
import { XMLParser } from 'fast-xml-parser'
import { describe, expect, test } from 'vitest'
import { childrenOf, elementTree, textOf, type XmlElement } from './element-tree.ts'

const bytes = (xml: string): Uint8Array => new TextEncoder().encode(xml)
const parser = new XMLParser({
  preserveOrder: true,
  parseTagValue: false,
  trimValues: false,
  ignoreAttributes: true,
  processEntities: true,
  // Without it, references to characters stay as they are.
  htmlEntities: true,
})

type Parsed = { readonly [name: string]: readonly Parsed[] | string }

/** The tree of an ordinary XML parser, in the form of ours. */
function parsed(xml: string): XmlElement | undefined {
  const elements = toElements(parser.parse(xml) as Parsed[])
  return elements.length === 1 ? elements[0] : undefined
}

function toElements(nodes: readonly Parsed[]): XmlElement[] {
  return nodes.flatMap((node) =>
    Object.entries(node).flatMap(([name, inner]) => {
      if (name === '#text' || name.startsWith('?') || typeof inner === 'string') return []
      const children = toElements(inner)
      const text = inner.map((child) => child['#text'] ?? '').join('')
      return [{ name, children, text: children.length > 0 ? '' : text }]
    }),
  )
}

const name = fc.constantFrom('Contents', 'Key', 'ETag', 'Size', 'IsTruncated', 'a', 'A1')
const entity = fc.constantFrom(
  '&amp;',
  '&lt;',
  '&gt;',
  '&quot;',
  '&apos;',
  '&#34;',
  '&#39;',
  '&#13;',
  '&#x1F600;',
)
const text = fc
  .array(fc.oneof(fc.constantFrom('x', ' ', '\n', '中', '😀', '1.0', ']]', '"', "'", '='), entity), {
    maxLength: 4,
  })
  .map((parts) => parts.join(''))
const space = fc.constantFrom('', ' ', '\n  ')
const { element } = fc.letrec<{ element: string }>((tie) => ({
  element: fc.oneof(
    { depthSize: 'small' },
    fc.tuple(name, text).map(([tag, inner]) => `<${tag}>${inner}</${tag}>`),
    name.map((tag) => `<${tag}/>`),
    fc
      .tuple(name, fc.array(fc.tuple(space, tie('element')), { minLength: 1, maxLength: 4 }), space)
      .map(([tag, inner, end]) => `<${tag}>${inner.flat().join('')}${end}</${tag}>`),
  ),
}))
const head = fc.constantFrom('', '<?xml version="1.0" encoding="UTF-8"?>', '<?xml version="1.0"?>\n')
const document = fc.tuple(head, element).map((parts) => parts.join(''))

describe('the scanner of listings', () => {
  test('returns the tree of an ordinary XML parser for each document of its kind', () => {
    fc.assert(
      fc.property(document, (xml) => {
        expect(elementTree(bytes(xml))).toEqual(parsed(xml))
      }),
      { numRuns: 1000 },
    )
  })

  test('returns that tree or nothing for any altered document', () => {
    const alteration = fc.record({
      at: fc.nat(300),
      removed: fc.nat(4),
      added: fc.constantFrom(
        '',
        '<',
        '>',
        '/',
        '&',
        ';',
        ' ',
        'x',
        '</',
        '<a',
        '<a>',
        '</a>',
        '<!--',
        ']]>',
        '<![CDATA[',
        '<?',
        '&#1;',
        '&x;',
        '\u0000',
        '="',
      ),
    })
    fc.assert(
      fc.property(document, alteration, (xml, { at, removed, added }) => {
        // A character of two halves may have been cut.
        const altered = new TextDecoder().decode(bytes(xml.slice(0, at) + added + xml.slice(at + removed)))
        const tree = elementTree(bytes(altered))
        if (tree !== undefined) expect(tree).toEqual(parsed(altered))
      }),
      { numRuns: 3000 },
    )
  })

  test.each([
    ['nothing', ''],
    ['a text', 'text'],
    ['a text in front', 'x<a></a>'],
    ['a text behind', '<a></a>x'],
    ['two roots', '<a></a><a></a>'],
    ['an element that does not end', '<a><b></b>'],
    ['an end without a beginning', '</a>'],
    ['elements that overlap', '<a><b></a></b>'],
    ['text beside elements', '<a>x<b></b></a>'],
    ['text behind elements', '<a><b></b>x</a>'],
    ['an attribute', '<a b="c"></a>'],
    ['a comment', '<a><!-- b --></a>'],
    ['a section of characters', '<a><![CDATA[b]]></a>'],
    ['a processing instruction', '<a><?b?></a>'],
    ['a document type', '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'],
    ['an entity of its own', '<a>&b;</a>'],
    ['an ampersand', '<a>b & c</a>'],
    ['a reference to no character of XML', '<a>&#0;</a>'],
    ['a reference to half a character', '<a>&#xD800;</a>'],
    ['a reference beyond all characters', '<a>&#x110000;</a>'],
    ['a name with a colon', '<a:b></a:b>'],
    ['a name that is too long', `<a${'b'.repeat(64)}></a${'b'.repeat(64)}>`],
  ])('reads no document with %s', (_what, xml) => {
    expect(elementTree(bytes(xml))).toBeUndefined()
  })

  test('reads a namespace, white space and the mark of UTF-8', () => {
    const xml =
      '\ufeff<?xml version="1.0" encoding="UTF-8"?>\n<a xmlns="http://doc.oss">\n <b >1 </b>\n <b/>\n</a>\n'
    const root = elementTree(bytes(xml))
    expect(root && childrenOf(root, 'b').map(({ text }) => text)).toEqual(['1 ', ''])
  })

  test('nests up to a limit', () => {
    const nested = (depth: number) => `${'<a>'.repeat(depth)}${'</a>'.repeat(depth)}`
    expect(elementTree(bytes(nested(16)))).toBeDefined()
    expect(elementTree(bytes(nested(100_000)))).toBeUndefined()
  })

  test('takes names that every JavaScript object has for ordinary ones', () => {
    const root = elementTree(bytes('<constructor><toString>x</toString></constructor>'))
    expect(root && textOf(root, 'toString')).toBe('x')
    expect(root && textOf(root, 'valueOf')).toBeUndefined()
  })

  test('refuses a text that is there twice, or that has elements', () => {
    const root = elementTree(bytes('<a><b>1</b><b>2</b><c><d/></c></a>'))
    for (const tag of ['b', 'c']) expect(() => root && textOf(root, tag)).toThrow()
  })
})
