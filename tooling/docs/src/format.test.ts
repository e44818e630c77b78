import { describe, expect, test } from 'vitest'
import { section } from './markdown.ts'
import { readRepositoryFile } from './repository.ts'
import { testTitles } from './test-titles.ts'

const UNPROVED = 'Not proved by a test yet'

const page = readRepositoryFile('docs/FORMAT.md')
const unproved = new Set(Array.from(section(page, UNPROVED).matchAll(/\bF-(\d+)\b/g), ([, n]) => Number(n)))

/** Each rule: `- **F-1** …`, and below it its tests, `  - ` and then title and file. */
const rules = Array.from(
  page.matchAll(/^- \*\*F-(\d+)\*\* (.+(?:\n {2}.*)*)/gm),
  ([, number, text = '']) => ({
    number: Number(number),
    text,
    proofs: Array.from(text.matchAll(/^ {2}- `(.+)` \((\S+)\)$/gm), ([, title = '', file = '']) => ({
      title,
      file,
    })),
  }),
)

test('the rules are numbered from 1 without a gap, in the order of the page', () => {
  expect(rules.map(({ number }) => number)).toEqual(rules.map((_, index) => index + 1))
  expect(page.match(/\*\*F-\d+\*\*/g)).toHaveLength(rules.length)
})

test('every bullet below a rule is a test with its file', () => {
  for (const { number, text, proofs } of rules) {
    expect(text.match(/^ {2}- /gm) ?? [], `F-${number}`).toHaveLength(proofs.length)
  }
})

test.each(rules)(
  'F-$number is a MUST, and names a test or is listed as not proved',
  ({ number, text, proofs }) => {
    expect(text).toMatch(/\bMUST\b/)
    expect(proofs.length > 0).toBe(!unproved.has(number))
  },
)

test('what is listed as not proved is a rule', () => {
  const numbers = rules.map(({ number }) => number)
  expect([...unproved].filter((number) => !numbers.includes(number))).toEqual([])
})

describe('every test that a rule names exists', () => {
  const proofs = rules.flatMap((rule) => rule.proofs.map((proof) => ({ ...proof, number: rule.number })))
  test.each(proofs)('F-$number: $title ($file)', ({ title, file }) => {
    const titles = testTitles(readRepositoryFile(file))
    for (const part of title.split(' > ')) expect([...titles]).toContain(part)
  })
})
