import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const page = readFileSync(new URL('../../../docs/CUSTOM_PROVIDER.md', import.meta.url), 'utf8')
const snippets = Array.from(page.matchAll(/^```ts\n([\s\S]*?)^```$/gm), ([, code = '']) => outdented(code))

/** The page shows code without its indentation. */
function outdented(code: string): string {
  return code.replaceAll(/^ +/gm, '')
}

const sources = ['./', '../test/'].flatMap((folder) => {
  const directory = new URL(folder, import.meta.url)
  return readdirSync(directory)
    .filter((name) => name.endsWith('.ts'))
    .map((name) => outdented(readFileSync(new URL(name, directory), 'utf8')))
})

test.each(snippets)('each snippet on the page is code of the examples (%#)', (snippet) => {
  expect(sources.filter((source) => source.includes(snippet))).toHaveLength(1)
})

test('the page shows code', () => {
  expect(snippets.length).toBeGreaterThan(5)
})
