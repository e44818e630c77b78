import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const DIST = new URL('../dist/', import.meta.url)

test('no published type contains a content key, so no caller can get one', () => {
  const declarations = readdirSync(DIST).filter((name) => name.endsWith('.d.ts'))
  expect(declarations).toContain('index.d.ts')
  expect(declarations).toContain('node.d.ts')
  expect(declarations).toContain('web.d.ts')
  const named = declarations.filter((name) =>
    /ContentKey|\bcek\b/i.test(readFileSync(new URL(name, DIST), 'utf8')),
  )
  expect(named).toEqual([])
})
