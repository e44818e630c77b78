import { describe, expect, it } from 'vitest'
import { buildXml, childElements, childText, parseXml } from './xml.ts'

describe('XML', () => {
  it('decodes named, decimal and hexadecimal entities, and keeps spaces in keys', () => {
    const root = parseXml('<Delete><Object><Key> a&#34;&amp;&lt;&#x4e2d; </Key></Object></Delete>', 'Delete')
    const [object] = childElements(root, 'Object')
    expect(object && childText(object, 'Key')).toBe(' a"&<中 ')
  })

  it('decodes the entities of 10,000 parts', () => {
    const parts = '<Part><PartNumber>1</PartNumber><ETag>&#34;AB&#34;</ETag></Part>'.repeat(10_000)
    const root = parseXml(
      `<CompleteMultipartUpload>${parts}</CompleteMultipartUpload>`,
      'CompleteMultipartUpload',
    )
    expect(childElements(root, 'Part').every((part) => childText(part, 'ETag') === '"AB"')).toBe(true)
  })

  it.each(['', 'text', '<Delete>', '<Other/>', '<!DOCTYPE Delete [<!ENTITY a "b">]><Delete>&a;</Delete>'])(
    'refuses %j as a Delete document',
    (text) => {
      expect(() => parseXml(text, 'Delete')).toThrow('not well-formed')
    },
  )

  it('escapes text when it builds a document', () => {
    expect(buildXml({ A: { B: ['<&>', 'x'] } })).toContain('<A><B>&lt;&amp;&gt;</B><B>x</B></A>')
  })
})

it.each(['__proto__', 'constructor'])(
  'an element named %s is malformed and does not crash the parser',
  (name) => {
    expect(() => parseXml(`<Delete><${name}>x</${name}></Delete>`, 'Delete')).toThrow(
      expect.objectContaining({ code: 'MalformedXML' }),
    )
  },
)

it('elements nested too deep are malformed', () => {
  const text = `<Delete>${'<a>'.repeat(20_000)}${'</a>'.repeat(20_000)}</Delete>`
  expect(() => parseXml(text, 'Delete')).toThrow(expect.objectContaining({ code: 'MalformedXML' }))
})

it('names of object properties are not entities', () => {
  const root = parseXml('<Delete><Key>a&constructor;&toString;b</Key></Delete>', 'Delete')
  expect(childText(root, 'Key')).toBe('a&constructor;&toString;b')
})
