import { expect, test } from 'vitest'
import { readRepositoryFile } from './repository.ts'

test('docs/ERRORS.md explains exactly the codes of CseErrorCode, in their order', () => {
  const source = readRepositoryFile('packages/crypto-core/src/errors.ts')
  const union = /export type CseErrorCode =((?:\s*\| '\w+')+)/.exec(source)?.[1] ?? ''
  const codes = Array.from(union.matchAll(/'(\w+)'/g), ([, code]) => code)
  expect(codes.length).toBeGreaterThan(0)
  const page = readRepositoryFile('docs/ERRORS.md')
  const explained = Array.from(page.matchAll(/^### `(\w+)`$/gm), ([, code]) => code)
  expect(explained).toEqual(codes)
  const mentioned = new Set(page.match(/\bERR_CSE_[A-Z_]+\b/g))
  expect([...mentioned].filter((code) => !codes.includes(code))).toEqual([])
})
