import { expect, test } from 'vitest'
import { section, tables } from './markdown.ts'
import { readRepositoryFile } from './repository.ts'
import { testTitles } from './test-titles.ts'

test('each change in the table of the threat model is a test, in both formats, and each of these tests is in the table', () => {
  const page = section(readRepositoryFile('docs/THREAT_MODEL.md'), 'No authentication')
  const [, ...rows] = tables(page).find(([head]) => head?.[0] === 'change') ?? []
  const source = readRepositoryFile('packages/bucket/test/threat-model.test.ts')
  const changes = [...testTitles(source)].filter((title) => !title.startsWith('$'))
  const formats = new Set(['in the official format', 'sealed'])
  expect(changes.filter((title) => !formats.has(title)).toSorted()).toEqual(
    rows.map(([change]) => change ?? '').toSorted(),
  )
  expect(changes).toEqual(expect.arrayContaining([...formats]))
})
