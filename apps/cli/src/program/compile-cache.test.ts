import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type CompileCachePlace, compileCacheDirectory } from './compile-cache.ts'

let home: string

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'oss-cse-home-'))
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

function place(changes: Partial<CompileCachePlace> = {}): CompileCachePlace {
  const geteuid = () => process.geteuid?.() ?? 0
  return { platform: 'linux', env: {}, homedir: () => home, geteuid, ...changes }
}

describe('the directory of compiled code', () => {
  test('is created in the caches of this user, for this user alone', () => {
    const directory = join(home, '.cache', 'oss-cse')
    expect(compileCacheDirectory(place())).toBe(directory)
    expect(statSync(directory).mode & 0o777).toBe(0o700)
    expect(compileCacheDirectory(place())).toBe(directory)
  })

  test('is below XDG_CACHE_HOME, or in the place that macOS and Windows have for caches', () => {
    const named = join(home, 'named')
    expect(compileCacheDirectory(place({ env: { XDG_CACHE_HOME: named } }))).toBe(join(named, 'oss-cse'))
    expect(compileCacheDirectory(place({ platform: 'darwin' }))).toBe(
      join(home, 'Library', 'Caches', 'oss-cse'),
    )
    const windows = { platform: 'win32', env: { LOCALAPPDATA: named }, geteuid: undefined } as const
    expect(compileCacheDirectory(place(windows))).toBe(join(named, 'oss-cse'))
  })

  test.each(['.cache', '.cache/oss-cse'])('is not used if others can write to ~/%s', (path) => {
    compileCacheDirectory(place())
    for (const mode of [0o720, 0o702]) {
      chmodSync(join(home, path), mode)
      expect(compileCacheDirectory(place())).toBeUndefined()
    }
  })

  test('is not used if it belongs to another user', () => {
    compileCacheDirectory(place())
    expect(compileCacheDirectory(place({ geteuid: () => 54_321 }))).toBeUndefined()
  })

  test.runIf(process.geteuid?.() === 0)('is not used if its parent belongs to another user', () => {
    compileCacheDirectory(place())
    chownSync(join(home, '.cache'), 54_321, 54_321)
    expect(compileCacheDirectory(place())).toBeUndefined()
  })

  test('is not used through a link', () => {
    mkdirSync(join(home, 'elsewhere'))
    mkdirSync(join(home, '.cache'), { mode: 0o700 })
    symlinkSync(join(home, 'elsewhere'), join(home, '.cache', 'oss-cse'))
    expect(compileCacheDirectory(place())).toBeUndefined()
  })

  test('is none where it cannot be created, or without a home directory', () => {
    writeFileSync(join(home, '.cache'), '')
    expect(compileCacheDirectory(place())).toBeUndefined()
    expect(compileCacheDirectory(place({ homedir: () => '' }))).toBeUndefined()
    const none = () => {
      throw new Error('no passwd entry')
    }
    expect(compileCacheDirectory(place({ homedir: none }))).toBeUndefined()
  })
})
