import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { MemoryServer, type RunOptions, run, temporaryDirectory } from '../testing/shell.ts'

const directory = temporaryDirectory()
afterEach(() => directory.remove())
const out = join(directory.path, 'keys')
const keygen = (argv: readonly string[] = [], options?: RunOptions) =>
  run(new MemoryServer(), ['keygen', '--out', out, '--bits', '2048', ...argv], options)
const mode = (name: string): number => statSync(join(out, name)).mode & 0o777

describe('keygen', () => {
  test('generates a private key that only its owner can read, and a public key', async () => {
    const { code, json } = await keygen(['--json'])
    expect(code).toBe(0)
    expect(json()).toEqual({
      privateKeyFile: join(out, 'private_key.pem'),
      publicKeyFile: join(out, 'public_key.pem'),
      bits: 2048,
      encrypted: false,
    })
    expect([mode('private_key.pem'), mode('public_key.pem') & 0o600]).toEqual([0o600, 0o600])
  })

  test('never overwrites a key, and leaves no new half beside an old one', async () => {
    await keygen()
    const before = readFileSync(join(out, 'private_key.pem'), 'utf8')
    const again = await keygen()
    expect([again.code, again.stderr]).toEqual([2, expect.stringContaining('private_key.pem already exists')])
    expect(readFileSync(join(out, 'private_key.pem'), 'utf8')).toBe(before)
    directory.remove()
    await keygen()
    const { unlinkSync } = await import('node:fs')
    unlinkSync(join(out, 'private_key.pem'))
    writeFileSync(join(out, 'public_key.pem'), 'old')
    expect((await keygen()).code).toBe(2)
    expect(() => statSync(join(out, 'private_key.pem'))).toThrow('ENOENT')
    expect(readFileSync(join(out, 'public_key.pem'), 'utf8')).toBe('old')
  })

  test('encrypts the private key with the passphrase of a variable', async () => {
    const { code, stderr } = await keygen(['--passphrase-env', 'P'], { env: { P: 'open sesame' } })
    expect(code).toBe(0)
    expect(stderr).not.toContain('open sesame')
    expect(readFileSync(join(out, 'private_key.pem'), 'utf8')).toContain('ENCRYPTED PRIVATE KEY')
  })

  test('a variable that is not set exits 3 and creates nothing', async () => {
    expect((await keygen(['--passphrase-env', 'P'])).code).toBe(3)
    expect(() => statSync(out)).toThrow('ENOENT')
  })

  test.each(['constructor', '__proto__', 'toString'])(
    'a name that every object has is no variable that is set: %s',
    async (name) => {
      const { code, stderr } = await keygen(['--passphrase-env', name])
      expect([code, stderr]).toEqual([
        3,
        expect.stringContaining(`variable ${name} is not set. Set it to the passphrase.`),
      ])
    },
  )

  test.each(['1024', '2049', 'x', ''])('--bits %j exits 2, and creates nothing', async (bits) => {
    expect((await keygen([`--bits=${bits}`])).code).toBe(2)
    expect(() => statSync(out)).toThrow('ENOENT')
  })

  test('--local-rsa generates the two key files of oss2, and put reads them', async () => {
    const { code, json } = await keygen(['--local-rsa', '--json'])
    expect(code).toBe(0)
    expect(json()).toEqual({
      privateKeyFile: join(out, '.private_key.pem'),
      publicKeyFile: join(out, '.public_key.pem'),
      bits: 2048,
      encrypted: false,
    })
    expect(mode('.private_key.pem')).toBe(0o600)
    const argv = ['put', '-', 'oss://demo/a', '--local-rsa-dir', out]
    expect((await run(new MemoryServer(), argv)).code).toBe(0)
  })

  test('--local-rsa accepts a prefix and a passphrase, and overwrites nothing', async () => {
    const argv = ['--local-rsa', '--prefix', 'backup', '--passphrase-env', 'P']
    const env = { P: 'open sesame' }
    expect((await keygen(argv, { env })).code).toBe(0)
    const before = readFileSync(join(out, 'backup.private_key.pem'), 'utf8')
    expect(before).toContain('ENCRYPTED PRIVATE KEY')
    const again = await keygen(argv, { env })
    expect([again.code, again.stderr]).toEqual([
      2,
      expect.stringContaining('backup.private_key.pem already exists'),
    ])
    expect(readFileSync(join(out, 'backup.private_key.pem'), 'utf8')).toBe(before)
    expect(again.stderr).not.toContain('open sesame')
  })

  test.each([[['--prefix', 'a']], [['--local-rsa', '--prefix', '../a']]])(
    '%j exits 2 and creates nothing',
    async (argv) => {
      expect((await keygen(argv)).code).toBe(2)
      expect(() => statSync(out)).toThrow('ENOENT')
    },
  )
})
