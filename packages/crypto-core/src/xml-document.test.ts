import { expect, test } from 'vitest'
import { xmlDocumentProblem } from './xml-document.ts'

const problemOf = (text: string) => xmlDocumentProblem(new TextEncoder().encode(text))

test.each([
  '',
  '<A/>',
  '<A></A>',
  '\ufeff<?xml version="1.0" encoding="UTF-8"?>\n<A xmlns="http://a" b=\'c\'>\n<B> x &amp; &#10; &#x4e2d; </B><B/>\n</A >',
  '<A><![CDATA[ &x; <<B> ]]><!-- &x; <B> --></A>',
  `<A>${'<B><C>x</C></B>'.repeat(1000)}</A>`,
  `${'<A>'.repeat(32)}${'</A>'.repeat(32)}`,
])('the document %j can be parsed', (text) => {
  expect(problemOf(text)).toBeUndefined()
})

test.each([
  ['a document type', '<!DOCTYPE A [<!ENTITY b "c">]><A>&b;</A>', /document type/],
  ['a document type within', '<A><!ENTITY b "c"></A>', /document type/],
  ['an entity of every object', '<A>&constructor;</A>', /entity/],
  ['the entity __proto__', '<A>&__proto__;</A>', /entity/],
  ['an entity of HTML', '<A>&nbsp;</A>', /entity/],
  ['an entity that is not ended', '<A>&amp</A>', /entity/],
  ['a number that is not a character', '<A>&#99999999;</A>', /entity/],
  ['an entity behind its root', '<A/>&toString;', /entity/],
  ['33 elements in one another', `${'<A>'.repeat(33)}${'</A>'.repeat(33)}`, /nests/],
  ['a million elements in one another', '<A>'.repeat(1_000_000), /nests/],
  ['an element of every object', '<A><constructor>x</constructor></A>', /constructor/],
  ['the element __proto__', '<A><__proto__>x</__proto__></A>', /malformed/],
  ['an element named hasOwnProperty', '<A><hasOwnProperty/></A>', /hasOwnProperty/],
  ['an attribute named __proto__', '<A __proto__="x"/>', /malformed/],
  ['a bracket in an attribute', '<A b=">&c;">', /malformed/],
  ['an attribute without quotes', '<A b=c/>', /malformed/],
  ['an entity in an attribute', '<A b="&c;"/>', /malformed/],
  ['a long element', `<A ${'b="c" '.repeat(1000)}/>`, /too long/],
  ['a comment that is not ended', '<A><!-- </A>', /breaks off/],
  ['an element that is not ended', '<A><B', /breaks off/],
])('a document with %s is refused', (_what, text, problem) => {
  expect(problemOf(text)).toMatch(problem)
})

test.each(['<', '<!--', '<![CDATA[', '&', '<A b="', '<a/>', '&amp;', 'x'])(
  'a document of a million %j is checked in one pass',
  (piece) => {
    problemOf(`<A>${piece.repeat(1_000_000)}`)
    problemOf(piece.repeat(1_000_000))
  },
)
