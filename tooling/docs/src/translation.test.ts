import { expect, test } from 'vitest'
import { codeBlocks, linkTargets, tables } from './markdown.ts'
import { readRepositoryFile } from './repository.ts'

const original = readRepositoryFile('README.md')
const translation = readRepositoryFile('README.zh-CN.md')

/** What of a text is the same in every language: its code, its figures, and where its links lead. */
function factsOf(text: string): readonly string[] {
  return [
    ...(text.match(/`[^`]+`/g) ?? []),
    ...(text.replaceAll(/`[^`]*`/g, '').match(/\d+(?:\.\d+)*/g) ?? []),
  ]
}

test('the Chinese README has every code block of the English one, in the same order', () => {
  expect(codeBlocks(translation)).toEqual(codeBlocks(original))
})

test('the Chinese README has the tables of the English one: the same rows, names and figures', () => {
  const facts = (page: string) => tables(page).map((table) => table.map((row) => row.map(factsOf)))
  expect(tables(original).length).toBeGreaterThan(1)
  expect(facts(translation)).toEqual(facts(original))
})

test('the Chinese README has the sections of the English one, with the same links and code in each', () => {
  const sections = (page: string) =>
    page.split(/^## /m).map((section) => ({
      links: linkTargets(section)
        .map((target) => target.replace('README.zh-CN.md', 'README.md'))
        .sort(),
      code: [...new Set(section.match(/`[^`\n]+`/g) ?? [])].sort(),
    }))
  expect(sections(translation)).toEqual(sections(original))
})

test('figures and code are found wherever they stand', () => {
  expect(factsOf('`a b` 53 of 61, 3.18.5, `c 7`')).toEqual(['`a b`', '`c 7`', '53', '61', '3.18.5'])
})
