import { expect, test } from 'vitest'
import { refusedBy } from './lint-rule.ts'
import { readRepositoryFile } from './repository.ts'

const RULE = 'tooling/docs/src/foreign-names.grit'

test('the linter refuses to look a foreign name up among the properties of an object, or to write one', () => {
  const wrong = [
    'table[name]',
    'table[code] ?? name',
    'table[name.code]',
    'name in table',
    '{ table[name] = code }',
    'Object.hasOwn(code, name) ? table[name] : code',
  ]
  const right = [
    'Object.hasOwn(table, name) ? table[name] : code',
    'Object.hasOwn(table, name) && table[name] === code',
    "[table['a'], table[0], name, code]",
    'new Map(Object.entries(table)).get(name + code)',
  ]
  const code = (expressions: readonly string[]) =>
    expressions.map((expression) => `export const made = (table, name, code) => ${expression}`)
  expect(refusedBy(RULE, code([...wrong, ...right]))).toEqual(code(wrong))
})

test('the rule holds where names come from outside', () => {
  expect(readRepositoryFile('biome.json')).toContain(`"./${RULE}"`)
})
