import { existsSync } from 'node:fs'
import { posix } from 'node:path'
import { expect, test } from 'vitest'
import { linkTargets, pageAnchors } from './markdown.ts'
import { documentationPages, ROOT, readRepositoryFile } from './repository.ts'

/** What is wrong with a link of a page; undefined when it leads somewhere, or out of the repository. */
function brokenLink(page: string, target: string): string | undefined {
  if (/^[a-z]+:/i.test(target)) return undefined
  const [path = '', anchor] = target.split('#')
  const file = path === '' ? page : posix.join(posix.dirname(page), path)
  if (file.startsWith('..') || !existsSync(ROOT + file)) return `${target}: no such file`
  if (anchor === undefined || !file.endsWith('.md')) return undefined
  if (!pageAnchors(readRepositoryFile(file)).has(anchor)) return `${target}: no such anchor`
  return undefined
}

test.each(documentationPages())(
  'every relative link of %s leads to a file, and to an anchor in it',
  (page) => {
    const broken = linkTargets(readRepositoryFile(page)).map((target) => brokenLink(page, target))
    expect(broken.filter((problem) => problem !== undefined)).toEqual([])
  },
)

test('a link to nothing is found', () => {
  expect(linkTargets('[a](b.md) `[c](d)` [e](f "g")\n\n[h]: i.md\n\n```md\n[j](k)\n```\n')).toEqual([
    'b.md',
    'f',
    'i.md',
  ])
  expect(brokenLink('README.md', 'docs/NOTHING.md')).toContain('no such file')
  expect(brokenLink('README.md', '../outside.md')).toContain('no such file')
  expect(brokenLink('README.md', 'https://example.com/')).toBeUndefined()
  expect([...pageAnchors('# A `b`: c\n## A `b`: c\n1. <a id="d">e</a>\n')]).toEqual(['a-b-c', 'a-b-c-1', 'd'])
})
