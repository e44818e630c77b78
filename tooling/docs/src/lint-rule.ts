import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { ROOT, readRepositoryFile } from './repository.ts'

/**
 * Lints pieces of code with one rule of the house. To be called in a test.
 *
 * @param rule - the rule's file, from the root of the repository
 * @returns those pieces that the rule refuses
 */
export function refusedBy(rule: string, pieces: readonly string[]): readonly string[] {
  const directory = mkdtempSync(join(tmpdir(), 'oss-cse-lint-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  const configuration = { root: true, plugins: [ROOT + rule], linter: { rules: { preset: 'none' } } }
  writeFileSync(join(directory, 'biome.json'), JSON.stringify(configuration))
  for (const [index, piece] of pieces.entries())
    writeFileSync(join(directory, `piece-${index}.ts`), `${piece}\n`)
  const biome = `${ROOT}node_modules/@biomejs/biome/bin/biome`
  const argv = [biome, 'lint', '--reporter=github', '--max-diagnostics=none', directory]
  const { stdout } = spawnSync(process.execPath, argv, { cwd: directory, encoding: 'utf8' })
  return pieces.filter((_, index) => stdout.includes(`piece-${index}.ts,line=1,`))
}

interface Override {
  readonly includes: readonly string[]
  readonly plugins?: readonly string[]
}

/** The files that a rule of the house holds for, as `biome.json` lists them. */
export function filesUnder(rule: string): readonly string[] | undefined {
  const { overrides } = JSON.parse(readRepositoryFile('biome.json')) as { overrides: readonly Override[] }
  return overrides.find(({ plugins = [] }) => plugins.includes(`./${rule}`))?.includes
}
