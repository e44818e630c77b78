import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type KeyArguments, writeKeyFiles } from '../testing/key-files.ts'
import { MemoryServer, run, temporaryDirectory } from '../testing/shell.ts'

const directory = temporaryDirectory()
const file = (name: string): string => join(directory.path, name)
let keys: KeyArguments

beforeAll(async () => {
  keys = await writeKeyFiles(directory.path)
  writeFileSync(file('plain'), 'hello')
})
afterAll(() => directory.remove())

describe('a name that is not UTF-8', () => {
  // Node.js replaces bytes that are not UTF-8 by U+FFFD, so `caf\xe9` and `caf\xe8` become the same text.
  test.each([
    [['put', file('plain'), 'oss://demo/caf\uFFFD']],
    [['put', 'caf\uFFFD', 'oss://demo/a']],
    [['get', 'oss://demo/a', 'caf\uFFFD']],
    [['get', 'oss://demo/caf\uFFFD', '-']],
    [['cp', 'oss://demo/a', 'oss://demo/caf\uFFFD']],
    [['rm', 'oss://demo/a', 'oss://demo/caf\uFFFD']],
    [['ls', 'oss://demo/caf\uFFFD']],
    [['encrypt', 'a', '-o', 'caf\uFFFD', '--meta-out', 'm']],
    [['decrypt', 'a', '-o', 'b', '--meta=caf\uFFFD']],
    [['keygen', '--out', 'caf\uFFFD']],
    [['put', 'a', 'oss://demo/a', '--rsa-private-key', 'caf\uFFFD']],
    [['put', 'a', 'oss://demo/a', '--meta', 'name=caf\uFFFD']],
    [['caf\uFFFD']],
  ])('in any argument exits 2 before anything else: %j', async (argv) => {
    const server = new MemoryServer()
    const { code, stdout, stderr } = await run(server, argv)
    expect([code, stdout.length, server.buckets.size]).toEqual([2, 0, 0])
    expect(stderr).toMatch(/^oss-cse: The argument is not valid UTF-8: .*caf\uFFFD.*convmv.*put - /)
  })

  test('in a variable exits 3, and the value is not shown', async () => {
    const argv = ['put', file('plain'), 'oss://demo/a', '--rsa-passphrase-env', 'P', ...keys.own]
    const { code, stderr } = await run(new MemoryServer(), argv, { env: { P: 'pass\uFFFDword' } })
    expect([code, stderr]).toEqual([3, expect.stringContaining('variable P is not valid UTF-8')])
    expect(stderr).not.toContain('word')
  })

  test('in a keyring file exits 3', async () => {
    writeFileSync(file('keyring.json'), Buffer.from('{"encrypting":"caf\xe9"}', 'latin1'))
    const argv = ['put', file('plain'), 'oss://demo/a', '--keyring', file('keyring.json')]
    const { code, stderr } = await run(new MemoryServer(), argv)
    expect([code, stderr]).toEqual([3, expect.stringContaining('keyring.json: it is not valid UTF-8')])
  })

  test.runIf(process.platform === 'linux')(
    'in the path of a link target exits 2, and writes nothing',
    async () => {
      const server = new MemoryServer()
      await run(server, ['put', file('plain'), 'oss://demo/a', ...keys.own])
      const real = Buffer.concat([Buffer.from(`${directory.path}/caf`), Buffer.from([0xe9])])
      mkdirSync(real)
      writeFileSync(Buffer.concat([real, Buffer.from('/out')]), 'old')
      symlinkSync(Buffer.concat([real, Buffer.from('/out')]), file('link'))
      const { code, stderr } = await run(server, ['get', 'oss://demo/a', file('link'), ...keys.own])
      expect([code, stderr]).toEqual([2, expect.stringContaining('not valid UTF-8')])
      expect(readdirSync(real)).toEqual(['out'])
    },
  )
})
