import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { ROOT, readRepositoryFile } from './repository.ts'

const RULE = 'tooling/docs/src/foreign-names.grit'

/** Those pieces of code that the rule refuses. */
function refused(pieces: readonly string[]): readonly string[] {
  const directory = mkdtempSync(join(tmpdir(), 'oss-cse-lint-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  const configuration = { root: true, plugins: [ROOT + RULE], linter: { rules: { preset: 'none' } } }
  writeFileSync(join(directory, 'biome.json'), JSON.stringify(configuration))
  for (const [index, piece] of pieces.entries()) {
    writeFileSync(
      join(directory, `piece-${index}.js`),
      `export const made = (table, name, code) => ${piece}\n`,
    )
  }
  const biome = `${ROOT}node_modules/@biomejs/biome/bin/biome`
  const argv = [biome, 'lint', '--reporter=github', '--max-diagnostics=none', directory]
  const { stdout } = spawnSync(process.execPath, argv, { cwd: directory, encoding: 'utf8' })
  return pieces.filter((_, index) => stdout.includes(`piece-${index}.js,line=1,`))
}

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
  expect(refused([...wrong, ...right])).toEqual(wrong)
})

test('the rule holds where names come from outside', () => {
  expect(readRepositoryFile('biome.json')).toContain(`"./${RULE}"`)
})
