import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { generateRsaKeyPair } from '@oss-cse/provider-rsa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MemoryServer, type RunOptions, run, temporaryDirectory, testKeyPairs } from '../testing/shell.ts'

const directory = temporaryDirectory()
const file = (name: string): string => join(directory.path, name)
afterAll(() => directory.remove())

beforeAll(async () => {
  const [current, old] = await testKeyPairs()
  const locked = await generateRsaKeyPair({ bits: 2048, passphrase: 'open sesame' })
  mkdirSync(file('pem'))
  writeFileSync(file('pem/current.pem'), current?.privateKey ?? '')
  writeFileSync(file('pem/current.pub.pem'), current?.publicKey ?? '')
  writeFileSync(file('pem/old.pem'), old?.privateKey ?? '')
  writeFileSync(file('pem/locked.pem'), locked.privateKey)
  writeFileSync(file('pem/broken.pem'), 'no key')
  writeFileSync(file('in.txt'), 'hello')
})

/** Encrypts with some keys: enough to see whether they load. */
const encrypt = (keys: readonly string[], options?: RunOptions) =>
  run(
    new MemoryServer(),
    ['encrypt', file('in.txt'), '-o', file('out'), '--meta-out', file('out.json'), '--json', ...keys],
    options,
  )

function keyring(document: unknown): string {
  const path = file('keyring.json')
  writeFileSync(path, typeof document === 'string' ? document : JSON.stringify(document))
  return path
}

const current = { type: 'rsa', privateKeyFile: 'pem/current.pem', materialDescription: { key: 'new' } }
const old = { type: 'rsa', privateKeyFile: 'pem/old.pem', materialDescription: { key: 'old' } }

describe('key options', () => {
  test('no key exits 3 and names every option for one', async () => {
    const { code, stderr } = await encrypt([])
    expect(code).toBe(3)
    expect(stderr).toMatch(
      /--rsa-private-key FILE.*--kms-key-id ID.*--local-rsa-dir DIR.*--keyring FILE.*OSS_CSE_KEYRING/,
    )
  })

  test.each([
    ['--rsa-private-key', 'x.pem'],
    ['--rsa-public-key', 'x.pem'],
    ['--matdesc', '{}'],
  ])('--keyring and %s cannot be used together', async (option, value) => {
    const { code, stderr } = await encrypt(['--keyring', 'k.json', option, value])
    expect(code).toBe(2)
    expect(stderr).toContain(`--keyring and ${option} cannot be used together`)
  })

  test.each([
    [['--matdesc', '{}'], '--matdesc requires --rsa-private-key, --rsa-public-key or --kms-key-id'],
    [
      ['--rsa-public-key', 'x', '--rsa-passphrase-env', 'P'],
      '--rsa-passphrase-env requires --rsa-private-key',
    ],
    [['--rsa-public-key', 'x', '--matdesc', '{"a":1}'], '--matdesc is not a JSON object of strings'],
    [['--rsa-public-key', 'x', '--matdesc', 'a=b'], '--matdesc is not a JSON object of strings'],
    [['--rsa-public-key', 'x', '--matdesc', '["a"]'], '--matdesc is not a JSON object of strings'],
  ])('%j exits 2', async (keys, message) => {
    const { code, stderr } = await encrypt(keys)
    expect(stderr).toContain(message)
    expect(code).toBe(2)
  })

  test('a private key, a public key, or both encrypt', async () => {
    const both = [
      '--rsa-private-key',
      file('pem/current.pem'),
      '--rsa-public-key',
      file('pem/current.pub.pem'),
    ]
    for (const keys of [both, both.slice(0, 2), both.slice(2)]) expect((await encrypt(keys)).code).toBe(0)
  })

  test('--matdesc ends up in the envelope', async () => {
    const { json } = await encrypt([
      '--rsa-private-key',
      file('pem/current.pem'),
      '--matdesc',
      '{"key":"2026"}',
    ])
    expect(json()).toMatchObject({ envelope: { materialDescription: { key: '2026' } } })
  })

  test('the passphrase comes from the named variable, and never from the command line', async () => {
    const keys = ['--rsa-private-key', file('pem/locked.pem'), '--rsa-passphrase-env', 'P']
    expect((await encrypt(keys, { env: { P: 'open sesame' } })).code).toBe(0)
    const unset = await encrypt(keys)
    expect([unset.code, unset.stderr]).toEqual([3, expect.stringContaining('variable P')])
    const wrong = await encrypt(keys, { env: { P: 'wrong words' } })
    expect([wrong.code, wrong.stderr]).toEqual([3, expect.stringContaining('ERR_CSE_PASSPHRASE')])
    expect(wrong.stderr).not.toContain('wrong words')
    const unnamed = await encrypt(keys.slice(0, 2))
    expect([unnamed.code, unnamed.stderr]).toEqual([3, expect.stringContaining('--rsa-passphrase-env VAR')])
  })

  test.each([
    ['pem/broken.pem', 'ERR_CSE_INVALID_KEY'],
    ['pem/current.pub.pem', 'ERR_CSE_INVALID_KEY'],
    ['pem/missing.pem', 'ENOENT'],
  ])('an unusable private key %s exits 3 and names the file', async (name, why) => {
    const { code, stderr } = await encrypt(['--rsa-private-key', file(name)])
    expect(code).toBe(3)
    expect(stderr).toContain(name)
    expect(stderr).toContain(why)
  })
})

describe('the keyring file', () => {
  test('finds key files relative to itself, and encrypts with the one that it names', async () => {
    const path = keyring({ encrypting: 'current', undescribed: ['old'], materials: { old, current } })
    const { code, json } = await encrypt(['--keyring', path])
    expect(code).toBe(0)
    expect(json()).toMatchObject({ envelope: { materialDescription: { key: 'new' } } })
  })

  test('is taken from OSS_CSE_KEYRING, unless the command line names other keys', async () => {
    const env = { OSS_CSE_KEYRING: keyring({ encrypting: 'current', materials: { current } }) }
    expect((await encrypt([], { env })).json()).toMatchObject({
      envelope: { materialDescription: { key: 'new' } },
    })
    const other = await encrypt(['--rsa-private-key', file('pem/old.pem')], { env })
    expect(other.json()).toMatchObject({ envelope: { materialDescription: {} } })
  })

  test('takes passphrases from the variables that it names', async () => {
    const locked = { type: 'rsa', privateKeyFile: 'pem/locked.pem', passphraseEnv: 'P' }
    const path = keyring({ encrypting: 'locked', materials: { locked } })
    expect((await encrypt(['--keyring', path], { env: { P: 'open sesame' } })).code).toBe(0)
    const { code, stderr } = await encrypt(['--keyring', path])
    expect([code, stderr]).toEqual([
      3,
      expect.stringMatching(/materials\.locked: The environment variable P\b/),
    ])
  })

  test('decrypts with each of its keys', async () => {
    const path = keyring({ encrypting: 'current', materials: { current, old } })
    await encrypt(['--rsa-private-key', file('pem/old.pem'), '--matdesc', '{"key":"old"}'])
    const argv = ['decrypt', file('out'), '-o', '-', '--meta', file('out.json'), '--keyring', path]
    const { code, stdout } = await run(new MemoryServer(), argv)
    expect([code, stdout.toString()]).toEqual([0, 'hello'])
  })

  test.each([
    ['{', 'it is not valid JSON'],
    ['7', 'the document: expected Object, found a number'],
    ['[]', 'encrypting: missing'],
    [{}, 'encrypting: missing'],
    [{ encrypting: 'a' }, 'materials: missing'],
    [{ encrypting: 'a', materials: {} }, 'encrypting: unknown material "a". Known materials: none'],
    [{ encrypting: 'a', materials: { current } }, 'unknown material "a". Known materials: "current"'],
    [
      { encrypting: 'current', undescribed: ['b'], materials: { current } },
      'undescribed.0: unknown material "b"',
    ],
    [{ encrypting: 'current', materials: { current }, decrypting: [] }, 'decrypting: unknown field'],
    [
      { encrypting: 'current', materials: { current: { ...current, passphrase: 'words' } } },
      'materials.current.passphrase: unknown field',
    ],
    [
      { encrypting: 'current', materials: { current: { ...current, privateKeyFile: 7 } } },
      'materials.current.privateKeyFile: expected string, found a number',
    ],
    [
      { encrypting: 'current', materials: { current: { ...current, materialDescription: { key: 1 } } } },
      'materials.current.materialDescription.key: expected string',
    ],
    [
      { encrypting: 'current', materials: { current: { ...current, type: 'words' } } },
      'materials.current.type: expected ("rsa" | "local-rsa" | "kms"), found another string',
    ],
    [{ encrypting: 'a', materials: { a: {} } }, 'materials.a.type: missing'],
    [{ encrypting: 'a', materials: { a: 'words' } }, 'materials.a: expected Object, found'],
    [
      { encrypting: 'current', materials: { current: { type: 'rsa' } } },
      'materials.current: "privateKeyFile" or "publicKeyFile" is missing',
    ],
    [
      { encrypting: 'a', materials: { a: { type: 'rsa', publicKeyFile: 'x', passphraseEnv: 'P' } } },
      'materials.a: "passphraseEnv" requires "privateKeyFile"',
    ],
    [
      { encrypting: 'a', materials: { a: { type: 'rsa', privateKeyFile: 'pem/nothing.pem' } } },
      'materials.a: The key file',
    ],
    [
      { encrypting: 'a', materials: { a: current, b: { ...old, materialDescription: { key: 'new' } } } },
      'Two master keys have the same wrap algorithm',
    ],
  ])('%j exits 3: %s', async (document, message) => {
    const { code, stderr } = await encrypt(['--keyring', keyring(document)])
    expect(stderr).toContain(message)
    expect(stderr).toContain('keyring.json')
    expect(code).toBe(3)
    expect(stderr).not.toContain('words')
  })

  test('a missing file exits 3', async () => {
    const { code, stderr } = await encrypt(['--keyring', file('none.json')])
    expect([code, stderr]).toEqual([3, expect.stringContaining('none.json cannot be read (ENOENT)')])
  })
})
