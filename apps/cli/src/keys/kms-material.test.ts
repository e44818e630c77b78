import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type KmsEmulator, startKmsEmulator } from '@oss-cse/kms-emulator'
import { generateLocalRsaKeyFiles } from '@oss-cse/provider-rsa'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { writeKeyFiles } from '../testing/key-files.ts'
import { MemoryServer, type RunOptions, run, temporaryDirectory } from '../testing/shell.ts'

const PASSPHRASE = 'open sesame'
const directory = temporaryDirectory()
const file = (name: string): string => join(directory.path, name)
let kms: KmsEmulator
let env: Record<string, string>
let server: MemoryServer

beforeAll(async () => {
  kms = await startKmsEmulator()
  env = {
    OSS_CSE_KMS_ENDPOINT: kms.endpoint,
    OSS_ACCESS_KEY_ID: kms.accessKeyId,
    OSS_ACCESS_KEY_SECRET: kms.accessKeySecret,
    P: PASSPHRASE,
  }
  writeFileSync(file('in'), 'hello')
  await writeKeyFiles(directory.path)
  await generateLocalRsaKeyFiles({
    directory: file('local'),
    prefix: 'old',
    bits: 2048,
    passphrase: PASSPHRASE,
  })
})
afterAll(async () => {
  await kms.close()
  directory.remove()
})
beforeEach(() => {
  kms.resetRequests()
  server = new MemoryServer()
})

const key = (): readonly string[] => ['--kms-key-id', kms.keyId]
const oss = (argv: readonly string[], options: RunOptions = {}) =>
  run(server, argv, { ...options, env: { ...env, ...options.env } })
const put = (name: string, argv: readonly string[], options?: RunOptions) =>
  oss(['put', file('in'), `oss://demo/${name}`, ...argv], options)
const cat = (name: string, argv: readonly string[], options?: RunOptions) =>
  oss(['cat', `oss://demo/${name}`, ...argv], options)
const read = async (name: string, argv: readonly string[], options?: RunOptions) => {
  const { code, stdout, stderr } = await cat(name, argv, options)
  return code === 0 ? stdout.toString() : `${code} ${/ERR_CSE_\w+/.exec(stderr)?.[0]}`
}

function keyring(document: unknown): readonly string[] {
  writeFileSync(file('keyring.json'), JSON.stringify(document))
  return ['--keyring', file('keyring.json')]
}

const unwrapCache = { maxEntries: 10, ttlMs: 1000 }

/** Three materials of three kinds. */
const three = (encrypting: string) =>
  keyring({
    encrypting,
    materials: {
      pem: { type: 'rsa', privateKeyFile: 'own.pem', materialDescription: { key: 'pem' }, unwrapCache },
      local: {
        type: 'local-rsa',
        directory: 'local',
        prefix: 'old',
        passphraseEnv: 'P',
        format: 'v1',
        unwrapCache,
      },
      kms: { type: 'kms', keyId: kms.keyId, region: 'cn-hangzhou', materialDescription: { key: 'kms' } },
    },
  })

describe('a key in KMS', () => {
  test('writes and reads an object, with two calls each', async () => {
    expect((await put('a', key())).code).toBe(0)
    expect(kms.requests.map(({ action }) => action).sort()).toEqual(['Encrypt', 'GenerateDataKey'])
    kms.resetRequests()
    expect(await read('a', key())).toBe('hello')
    expect(kms.requests.map(({ action }) => action)).toEqual(['Decrypt', 'Decrypt'])
  })

  test('encrypts and decrypts files without an OSS server', async () => {
    const meta = ['--meta-out', file('meta.json')]
    expect((await oss(['encrypt', file('in'), '-o', file('out'), ...meta, ...key()])).code).toBe(0)
    const { stdout } = await oss(['decrypt', file('out'), '-o', '-', '--meta', file('meta.json'), ...key()])
    expect(stdout.toString()).toBe('hello')
    expect(server.buckets.size).toBe(0)
  })

  test('stat and inspect show it, its description and the format, and neither wrapped key', async () => {
    await put('a', [...key(), '--matdesc', '{"key":"2026"}'])
    const stored = server.bucket('demo').objects.get('a')?.headers ?? {}
    const wrapped = ['key', 'start'].map((name) => stored[`x-oss-meta-client-side-encryption-${name}`] ?? '')
    expect(wrapped.every((text) => text.length > 20)).toBe(true)
    kms.resetRequests()
    for (const command of ['stat', 'inspect']) {
      const text = (await oss([command, 'oss://demo/a'])).stdout.toString()
      expect(text).toMatch(/envelope version 2\)[\s\S]*KMS\/ALICLOUD[\s\S]*\{"key":"2026"\}/)
      const json = await oss([command, 'oss://demo/a', '--json'])
      expect(json.json()).toMatchObject({
        envelope: { version: 2, wrapAlgorithm: 'KMS/ALICLOUD', materialDescription: { key: '2026' } },
      })
      for (const blob of wrapped) expect(text + json.stdout).not.toContain(blob)
    }
    expect(kms.requests).toEqual([])
  })

  test('with a passphrase can be read only with it, and never prints it', async () => {
    expect((await put('a', [...key(), '--kms-passphrase-env', 'P'])).code).toBe(0)
    expect(await read('a', [...key(), '--kms-passphrase-env', 'P'])).toBe('hello')
    expect(await read('a', key())).toBe('6 ERR_CSE_UNWRAP_FAILED')
    const wrong = await cat('a', [...key(), '--kms-passphrase-env', 'P'], { env: { P: 'wrong words' } })
    expect([wrong.code, wrong.stderr]).toEqual([6, expect.not.stringContaining('wrong words')])
  })

  test('with a context can be read only with that context', async () => {
    expect((await put('a', [...key(), '--kms-context', '{"a":"b"}'])).code).toBe(0)
    expect(await read('a', [...key(), '--kms-context', '{"a":"b"}'])).toBe('hello')
    expect(await read('a', [...key(), '--kms-context', '{"a":"c"}'])).toBe('6 ERR_CSE_UNWRAP_FAILED')
  })

  test('writes either encoding, and reads both without an option', async () => {
    const wrapped = () =>
      server.bucket('demo').objects.get('a')?.headers['x-oss-meta-client-side-encryption-key']
    await put('a', [...key(), '--kms-encoding', 'oss2'])
    const outer = wrapped() ?? ''
    expect(Buffer.from(outer, 'base64').toString()).toMatch(/^[\w+/-]+=*$/)
    expect(await read('a', key())).toBe('hello')
    await put('a', key())
    expect(await read('a', [...key(), '--kms-encoding', 'oss2'])).toBe('hello')
    expect(wrapped()?.length).toBeLessThan(outer.length)
  })

  test('that is disabled or missing exits 5, and nothing is written', async () => {
    await put('a', key())
    await kms.disableKey(kms.keyId)
    expect(await read('a', key())).toBe('5 ERR_CSE_MASTER_KEY_DISABLED')
    expect(await put('b', key())).toMatchObject({ code: 5 })
    await kms.enableKey(kms.keyId)
    expect(await read('a', key())).toBe('hello')
    expect(await put('b', ['--kms-key-id', 'none'])).toMatchObject({ code: 5 })
    expect([...server.bucket('demo').objects.keys()]).toEqual(['a'])
  })

  test('without credentials exits 3, before any request to KMS', async () => {
    const encrypt = ['encrypt', file('in'), '-o', file('out'), '--meta-out', file('none.json'), ...key()]
    const { code, stderr } = await oss(encrypt, {
      env: { OSS_ACCESS_KEY_ID: '', OSS_ACCESS_KEY_SECRET: '' },
    })
    expect([code, stderr]).toEqual([
      3,
      expect.stringMatching(/^oss-cse: Missing: .*OSS_ACCESS_KEY_SECRET\)\.\n$/),
    ])
    expect(kms.requests).toEqual([])
  })

  test('is called with credentials of the standard chain when no access key is set', async () => {
    const bare = { OSS_ACCESS_KEY_ID: '', OSS_ACCESS_KEY_SECRET: '' }
    const { accessKeyId, accessKeySecret } = kms
    const credentialsChain = { getCredential: async () => ({ accessKeyId, accessKeySecret }) }
    expect((await put('a', key(), { env: bare, credentialsChain })).code).toBe(0)
    expect(server.config).toEqual({
      region: 'cn-hangzhou',
      endpoint: 'http://localhost:1',
      credentials: credentialsChain,
    })
    expect(await read('a', key(), { env: bare, credentialsChain })).toBe('hello')
  })

  test('a wrong secret exits 5 and is not shown', async () => {
    const { code, stderr } = await put('a', key(), { env: { OSS_ACCESS_KEY_SECRET: 'wrong words' } })
    expect([code, stderr]).toEqual([5, expect.stringContaining('ERR_CSE_ACCESS_DENIED')])
    expect(stderr).not.toContain('wrong words')
  })
})

describe('a keyring of several kinds', () => {
  test('reads the objects of each of its keys', async () => {
    for (const name of ['pem', 'local', 'kms']) expect((await put(name, three(name))).code).toBe(0)
    const written = ['pem', 'local', 'kms'].map(async (name) => {
      const { envelope } = (await oss(['inspect', `oss://demo/${name}`, '--json'])).json()
      return envelope
    })
    expect(await Promise.all(written)).toMatchObject([
      { version: 2, wrapAlgorithm: 'RSA/NONE/PKCS1Padding', materialDescription: { key: 'pem' } },
      { version: 1, wrapAlgorithm: 'rsa', materialDescription: {} },
      { version: 2, wrapAlgorithm: 'KMS/ALICLOUD', materialDescription: { key: 'kms' } },
    ])
    for (const name of ['pem', 'local', 'kms']) expect(await read(name, three('pem'))).toBe('hello')
  })

  test('calls neither KMS nor the credentials when the object has another key', async () => {
    const meta = ['--meta-out', file('meta.json')]
    const bare = { env: { OSS_ACCESS_KEY_ID: '', OSS_ACCESS_KEY_SECRET: '' } }
    const encrypt = ['encrypt', file('in'), '-o', file('out'), ...meta, ...three('pem')]
    expect(await oss(encrypt, bare)).toMatchObject({ code: 0 })
    expect(kms.requests).toEqual([])
  })

  test('accepts a KMS entry with all of its fields', async () => {
    const everything = keyring({
      encrypting: 'kms',
      materials: {
        kms: {
          type: 'kms',
          keyId: kms.keyId,
          region: 'cn-hangzhou',
          endpoint: kms.endpoint,
          passphraseEnv: 'P',
          encoding: 'oss2',
          encryptionContext: { a: 'b' },
          materialDescription: { key: 'kms' },
          unwrapCache,
        },
      },
    })
    // The entry's own endpoint is used.
    const elsewhere = { env: { OSS_CSE_KMS_ENDPOINT: 'http://127.0.0.1:1' } }
    expect(await put('a', everything, elsewhere)).toMatchObject({ code: 0 })
    expect(await read('a', everything, elsewhere)).toBe('hello')
  })

  const kmsEntry = { type: 'kms', keyId: 'id', region: 'cn-hangzhou' }
  const localEntry = { type: 'local-rsa', directory: 'local' }
  test.each([
    [{ type: 'kms' }, 'materials.a.keyId: missing; materials.a.region: missing'],
    [{ ...kmsEntry, keyId: '' }, 'materials.a.keyId: must not be empty'],
    [{ ...kmsEntry, accessKeySecret: 'words' }, 'materials.a.accessKeySecret: unknown field'],
    [{ ...kmsEntry, passphrase: 'words' }, 'materials.a.passphrase: unknown field'],
    [
      { ...kmsEntry, encoding: 'words' },
      'materials.a.encoding: expected ("blob" | "oss2"), found another string',
    ],
    [
      { ...kmsEntry, encryptionContext: { a: 7 } },
      'materials.a.encryptionContext.a: expected string, found a number',
    ],
    [{ ...kmsEntry, unwrapCache: true }, 'materials.a.unwrapCache: expected Object, found a boolean'],
    [{ ...kmsEntry, unwrapCache: { maxEntries: 1 } }, 'materials.a.unwrapCache.ttlMs: missing'],
    [
      { ...kmsEntry, unwrapCache: { maxEntries: 0, ttlMs: 1 } },
      'materials.a: KMS key "id": "unwrapCache" needs',
    ],
    [{ ...kmsEntry, region: 'cn-a', keyId: 'acs:kms:cn-b:1:key/id' }, 'materials.a: KMS key'],
    [{ ...kmsEntry, passphraseEnv: 'UNSET' }, 'materials.a: The environment variable UNSET'],
    [{ ...kmsEntry, passphraseEnv: 'P', encryptionContext: { 'x-passphrase': 'words' } }, 'not both'],
    [{ type: 'local-rsa' }, 'materials.a.directory: missing'],
    [{ ...localEntry, format: 'v3' }, 'materials.a.format: expected ("v1" | "v2"), found another string'],
    [{ ...localEntry, materialDescription: {} }, 'materials.a.materialDescription: unknown field'],
    [{ ...localEntry, prefix: 'old' }, '"passphraseEnv" in a keyring file'],
    [localEntry, '`oss-cse keygen --local-rsa`'],
    [
      { ...localEntry, prefix: 'old', passphraseEnv: 'P', unwrapCache: { maxEntries: 1, ttlMs: 0 } },
      'materials.a: "unwrapCache" needs',
    ],
    [
      { type: 'rsa', privateKeyFile: 'own.pem', unwrapCache: { maxEntries: 0, ttlMs: 1 } },
      'own.pem: "unwrapCache" needs',
    ],
    [
      { type: 'rsa', publicKeyFile: 'own.pub.pem', unwrapCache },
      'The "unwrapCache" option needs "privateKeyFile"',
    ],
    [{ ...localEntry, prefix: '../x' }, 'materials.a: The "prefix" option is the beginning of a file name'],
  ])('%j exits 3 and its values are not printed: %s', async (material, message) => {
    const { code, stderr } = await put('a', keyring({ encrypting: 'a', materials: { a: material } }))
    expect(stderr).toContain(message)
    expect(stderr).not.toMatch(/words|open sesame/)
    expect([code, server.buckets.size]).toEqual([3, 0])
  })

  test('a key that it does not contain is named', async () => {
    await put('a', [...key(), '--matdesc', '{"key":"kms"}'])
    const { code, stderr } = await cat('a', ['--rsa-private-key', file('own.pem')])
    expect([code, stderr]).toEqual([
      6,
      expect.stringContaining('its content key was wrapped by KMS/ALICLOUD {"key":"kms"}'),
    ])
  })
})
