import { expect, test } from 'vitest'
import { documentationPages, readRepositoryFile } from './repository.ts'

/** `<!-- file: PATH -->` before a fenced block: the block is the whole of that file. */
const COPIES = /^<!-- file: (\S+) -->\n+(`{3,})\w*\n([\s\S]*?)^\2$/gm

const copies = documentationPages().flatMap((page) =>
  Array.from(readRepositoryFile(page).matchAll(COPIES), ([, file = '', , code = '']) => ({
    page,
    file,
    code,
  })),
)

test('no mark of a copied file stands before something else than a block', () => {
  const marks = documentationPages().flatMap((page) => readRepositoryFile(page).match(/<!-- file: /g) ?? [])
  expect(marks.length).toBeGreaterThan(0)
  expect(copies).toHaveLength(marks.length)
})

test.each(copies)('the code of $page is the file $file', ({ file, code }) => {
  expect(code.trimEnd()).toBe(readRepositoryFile(file).trimEnd())
})
