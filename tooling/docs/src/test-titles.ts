/** `test('…')`, `it('…')`, `describe('…')`, their `.each(…)('…')` and `.skipIf(…)('…')`, and a contract's `name: '…'`. */
const TITLE = /(?:\b(?:test|it|describe)(?:\.\w+)?\(|\)\(|\bname:)\s*(['"`])((?:\\.|(?!\1)[\s\S])*)\1/g

/** The titles of the tests, groups and contract rules in a test's source, as they stand there. */
export function testTitles(source: string): ReadonlySet<string> {
  return new Set(Array.from(source.matchAll(TITLE), (match) => unescapeText(match[2] ?? '')))
}

function unescapeText(literal: string): string {
  return literal.replaceAll(/\\(['"`\\])/g, '$1')
}
