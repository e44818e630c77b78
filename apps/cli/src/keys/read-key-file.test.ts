import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { MemoryServer, run, temporaryDirectory } from '../testing/shell.ts'
import { readKeyFile } from './read-key-file.ts'

const ME = 12_345
const OTHER = 65_534
const directory = temporaryDirectory()
const path = join(directory.path, 'key.pem')
afterAll(directory.remove)
afterEach(() => vi.restoreAllMocks())

const read = async () => Buffer.from(await readKeyFile(path, `The key file ${path}`)).toString()

beforeEach(() => {
  writeFileSync(path, 'a key', { mode: 0o644 })
  chmodSync(path, 0o644)
})

test('a file that is missing or cannot be read is named with the reason', async () => {
  await expect(readKeyFile(`${path}.none`, 'The key file')).rejects.toThrow('cannot be read (ENOENT)')
  await expect(readKeyFile(directory.path, 'The key file')).rejects.toThrow('cannot be read (EISDIR)')
})

test.runIf(process.platform !== 'win32')('a key can come through a pipe', async () => {
  const pipe = join(directory.path, 'pipe')
  execFileSync('/usr/bin/env', ['mkfifo', '-m', '600', pipe])
  const reading = readKeyFile(pipe, 'The key file')
  writeFileSync(pipe, 'piped')
  expect(Buffer.from(await reading).toString()).toBe('piped')
})

describe.runIf(process.platform !== 'win32')('a key file', () => {
  test.each([0o600, 0o644, 0o440, 0o664])('of this user is read with mode %o', async (mode) => {
    chmodSync(path, mode)
    expect(await read()).toBe('a key')
  })

  test.each([0o646, 0o602, 0o666])('that everybody can write is refused (mode %o)', async (mode) => {
    chmodSync(path, mode)
    await expect(read()).rejects.toThrow(`chmod o-w ${path}`)
  })

  describe('of another user', () => {
    beforeEach((context) => {
      if (process.getuid?.() !== 0) context.skip('Only root can give a file to another user.')
      chownSync(path, OTHER, OTHER)
    })

    test('is refused for this user, and accepted for root', async () => {
      expect(await read()).toBe('a key')
      vi.spyOn(process as { geteuid: () => number }, 'geteuid').mockReturnValue(ME)
      await expect(read()).rejects.toThrow(`belongs to another user (uid ${OTHER})`)
    })

    test('is read if root owns it', async () => {
      chownSync(path, 0, 0)
      vi.spyOn(process as { geteuid: () => number }, 'geteuid').mockReturnValue(ME)
      expect(await read()).toBe('a key')
    })
  })
})

describe.runIf(process.platform !== 'win32')('keys are not generated in a directory', () => {
  const out = join(directory.path, 'out')
  const keygen = (...more: string[]) =>
    run(new MemoryServer(), ['keygen', '--bits', '2048', '--out', out, ...more])
  beforeEach(() => mkdirSync(out, { recursive: true }))

  test.each([[], ['--local-rsa']])(
    'that every user can write to, unless only owners can remove files there %j',
    async (...more) => {
      chmodSync(out, 0o777)
      expect(await keygen(...more)).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('could replace the keys'),
      })
      expect(readdirSync(out)).toEqual([])
    },
  )

  test('of another user', async (context) => {
    if (process.getuid?.() !== 0) context.skip('Only root can give a directory to another user.')
    chmodSync(out, 0o755)
    chownSync(out, OTHER, OTHER)
    vi.spyOn(process as { geteuid: () => number }, 'geteuid').mockReturnValue(ME)
    expect(await keygen()).toMatchObject({ code: 2, stderr: expect.stringContaining(`uid ${OTHER}`) })
    expect(readdirSync(out)).toEqual([])
  })
})
