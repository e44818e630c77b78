import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { generateRsaKeyPair } from '@oss-cse/provider-rsa'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type KeyArguments, writeKeyFiles } from '../testing/key-files.ts'
import { MemoryServer, type RunOptions, run, temporaryDirectory } from '../testing/shell.ts'

const SEALED = 'AES256_GCM_HKDF_64KB'
const CEK_ALGORITHM = 'x-oss-meta-client-side-encryption-cek-alg'
const OTHER = 'A'.repeat(43)
const directory = temporaryDirectory()
const file = (name: string): string => join(directory.path, name)
const plaintext = Buffer.from(Array.from({ length: 200_000 }, (_, i) => (i * 5 + (i >> 9)) & 0xff))

let server: MemoryServer
let keys: KeyArguments
let v1: readonly string[]
const oss = (argv: readonly string[], options?: RunOptions) => run(server, argv, options)
const put = (...argv: readonly string[]) => oss(['put', file('plain'), 'oss://demo/a', ...argv])
const storedFormat = () => server.bucket('demo').objects.get('a')?.headers[CEK_ALGORITHM]

beforeAll(async () => {
  keys = await writeKeyFiles(directory.path)
  writeFileSync(file('plain'), plaintext)
  const local = await generateRsaKeyPair({ bits: 2048 })
  mkdirSync(file('local'))
  writeFileSync(file('local/.private_key.pem'), local.privateKey)
  writeFileSync(file('local/.public_key.pem'), local.publicKey)
  v1 = ['--local-rsa-dir', file('local'), '--local-rsa-format', 'v1']
})
afterAll(() => directory.remove())
beforeEach(() => {
  server = new MemoryServer()
})

/** A keyring file whose key is that of `keys.own`. */
function keyring(more: Record<string, unknown>): string[] {
  const materials = { pem: { type: 'rsa', privateKeyFile: 'own.pem' } }
  writeFileSync(file('keyring.json'), JSON.stringify({ encrypting: 'pem', materials, ...more }))
  return ['--keyring', file('keyring.json')]
}

describe('put seals', () => {
  test.each([
    ['with --sealed', () => ['--sealed', ...keys.own]],
    ['with --accept sealed', () => ['--accept', 'sealed', ...keys.own]],
    ['when the keyring file says so', () => keyring({ format: 'sealed' })],
    ['with --sealed, whatever the keyring file says', () => ['--sealed', ...keyring({ format: 'aes-ctr' })]],
  ])('%s', async (_, options) => {
    const { code, json } = await put('--json', ...options())
    expect(code).toBe(0)
    const stored = server.bucket('demo').objects.get('a')
    expect(json()).toMatchObject({
      sizeBytes: plaintext.length,
      sealed: true,
      commitment: Buffer.from(stored?.bytes.subarray(1, 33) ?? []).toString('base64url'),
    })
    expect(storedFormat()).toBe(SEALED)
    const got = await oss(['cat', 'oss://demo/a', '--accept', 'sealed', ...keys.own])
    expect([got.code, got.stdout.equals(plaintext)]).toEqual([0, true])
  })

  test.each([
    ['without an option', () => [...keys.own]],
    ['with --accept any', () => ['--accept', 'any', ...keys.own]],
    ['when the keyring file says aes-ctr', () => keyring({ format: 'aes-ctr' })],
    ['when the keyring file says nothing', () => keyring({})],
  ])('not %s', async (_, options) => {
    expect((await put(...options())).code).toBe(0)
    expect(storedFormat()).toBe('AES/CTR/NoPadding')
  })

  test('and prints the commitment for a person', async () => {
    const { stderr } = await put('--sealed', ...keys.own)
    expect(stderr).toMatch(
      /^Uploaded oss:\/\/demo\/a \(195 KiB, sealed, checksum verified\)\. Commitment: [\w-]{43}\n$/,
    )
  })

  test('a stream, and a file in parts', async () => {
    const stream = ['put', '-', 'oss://demo/a', '--sealed', ...keys.own]
    expect((await oss(stream, { stdin: plaintext })).code).toBe(0)
    const got = await oss(['cat', 'oss://demo/a', ...keys.own])
    expect([storedFormat(), got.stdout.equals(plaintext)]).toEqual([SEALED, true])
    const cut = ['--part-size', '128KiB', '--multipart-threshold', '1']
    const { code, stderr } = await put('--sealed', '--part-size', '100KiB', ...cut.slice(2), ...keys.own)
    expect([code, stderr]).toEqual([2, expect.stringContaining('65536')])
    expect((await put('--sealed', ...cut, ...keys.own)).code).toBe(0)
    const parts = ['get', 'oss://demo/a', file('out'), '--accept', 'sealed', ...cut, ...keys.own]
    expect((await oss(parts)).code).toBe(0)
    expect(readFileSync(file('out')).equals(plaintext)).toBe(true)
  })
})

describe('get and cat', () => {
  const reads = (...more: string[]) =>
    Promise.all([
      oss(['cat', 'oss://demo/a', ...more, ...keys.own]),
      oss(['get', 'oss://demo/a', file('never'), ...more, ...keys.own]),
      oss(['get', 'oss://demo/a', file('never'), '--range', '0-9', ...more, ...keys.own]),
    ])
  const codes = async (...more: string[]) => (await reads(...more)).map(({ code }) => code)

  afterAll(() => expect(readdirSync(directory.path).filter((name) => name.includes('never'))).toEqual([]))

  test('--accept sealed refuses an object that is not sealed: exit 6', async () => {
    await put(...keys.own)
    const refused = await reads('--accept', 'sealed')
    expect(refused.map(({ code, stdout }) => [code, stdout.length])).toEqual([
      [6, 0],
      [6, 0],
      [6, 0],
    ])
    expect(refused[0]?.stderr).toContain('ERR_CSE_NOT_SEALED')
    expect(await codes('--expect-commitment', OTHER)).toEqual([6, 6, 6])
  })

  test('--expect-commitment refuses every object but one: exit 6', async () => {
    const { commitment } = (await put('--sealed', '--json', ...keys.own)).json()
    const wanted = ['--expect-commitment', String(commitment)]
    expect((await oss(['cat', 'oss://demo/a', ...wanted, ...keys.own])).code).toBe(0)
    expect((await oss(['get', 'oss://demo/a', file('out'), ...wanted, ...keys.own])).code).toBe(0)
    expect(await codes('--expect-commitment', OTHER)).toEqual([6, 6, 6])
    await put('--sealed', ...keys.own)
    expect(await codes(...wanted)).toEqual([6, 6, 6])
  })

  test('--context must be that of the put: exit 6', async () => {
    await put('--sealed', '--context', 'reports/ü', ...keys.own)
    const bound = ['cat', 'oss://demo/a', '--context', 'reports/ü', ...keys.own]
    expect((await oss(bound)).stdout.equals(plaintext)).toBe(true)
    expect((await oss(['get', 'oss://demo/a', file('out'), ...bound.slice(2)])).code).toBe(0)
    const [unbound] = await reads()
    expect(unbound?.stderr).toContain('If it was sealed with --context, give the same text.')
    expect(await codes()).toEqual([6, 6, 6])
    expect(await codes('--context', 'reports/u')).toEqual([6, 6, 6])
  })

  test('a server-side copy is read like the original, under its context', async () => {
    await put('--sealed', '--context', 'a', ...keys.own)
    expect((await oss(['cp', 'oss://demo/a', 'oss://demo/b'])).code).toBe(0)
    const read = ['cat', 'oss://demo/b', '--accept', 'sealed', ...keys.own]
    expect((await oss([...read, '--context', 'a'])).stdout.equals(plaintext)).toBe(true)
    expect((await oss([...read, '--context', 'b'])).code).toBe(6)
  })

  test('altered content exits 6, and the JSON has the bytes at fault', async () => {
    await put('--sealed', ...keys.own)
    const bucket = server.bucket('demo')
    const { bytes, headers } = bucket.objects.get('a') as {
      bytes: Uint8Array
      headers: Record<string, string>
    }
    await bucket.plant(
      'a',
      bytes.map((byte, i) => (i === 70_000 ? byte ^ 1 : byte)),
      headers,
    )
    const { code, stdout, stderr } = await oss(['cat', 'oss://demo/a', '--json', ...keys.own])
    expect(code).toBe(6)
    expect(stdout.equals(plaintext.subarray(0, 65_480))).toBe(true)
    expect(JSON.parse(stderr)).toMatchObject({
      error: { code: 'ERR_CSE_AUTHENTICATION_FAILED', byteRange: { start: 65_480, end: 130_999 } },
    })
  })

  test('stat and inspect say that an object is sealed', async () => {
    await put('--sealed', ...keys.own)
    for (const command of ['stat', 'inspect']) {
      const { stdout } = await oss([command, 'oss://demo/a'])
      expect(stdout.toString()).toMatch(/^content: +sealed \(AES256_GCM_HKDF_64KB\)$/m)
      expect((await oss([command, 'oss://demo/a', '--json'])).json()).toMatchObject({ sealed: true })
    }
  })
})

describe('options that contradict each other exit 2, before any request', () => {
  test.each<[string, () => string[], string]>([
    [
      '--sealed with a key that writes V1',
      () => ['put', file('plain'), 'oss://demo/a', '--sealed', ...v1],
      'V1',
    ],
    [
      '--accept sealed on a put with such a key',
      () => ['put', file('plain'), 'oss://demo/a', '--accept=sealed', ...v1],
      'V1',
    ],
    [
      '--accept sealed on a get with such a key',
      () => ['cat', 'oss://demo/a', '--accept', 'sealed', ...v1],
      'V1',
    ],
    [
      '--sealed offline with such a key',
      () => [
        'encrypt',
        file('plain'),
        '-o',
        file('never'),
        '--meta-out',
        file('never.json'),
        '--sealed',
        ...v1,
      ],
      'V1',
    ],
    [
      '--context without --sealed',
      () => ['put', file('plain'), 'oss://demo/a', '--context', 'x', ...keys.own],
      '--context requires --sealed',
    ],
    [
      '--context without --sealed, offline',
      () => [
        'encrypt',
        file('plain'),
        '-o',
        file('never'),
        '--meta-out',
        file('never.json'),
        '--context',
        'x',
        ...keys.own,
      ],
      '--context requires --sealed',
    ],
    [
      'an empty --context',
      () => ['put', file('plain'), 'oss://demo/a', '--sealed', '--context', '', ...keys.own],
      'empty',
    ],
    [
      'a --context that is too long',
      () => ['put', file('plain'), 'oss://demo/a', '--sealed', '--context', 'ü'.repeat(513), ...keys.own],
      '1026 bytes',
    ],
    [
      'an empty --expect-commitment',
      () => ['cat', 'oss://demo/a', '--expect-commitment', '', ...keys.own],
      '43 characters',
    ],
    [
      'a commitment that is none',
      () => ['cat', 'oss://demo/a', '--expect-commitment', `${OTHER}=`, ...keys.own],
      '43 characters',
    ],
    [
      '--accept sealed for plain objects',
      () => ['cat', 'oss://demo/a', '--accept', 'sealed', '--on-plain-object', 'passthrough', ...keys.own],
      'cannot be used together',
    ],
    ['another --accept', () => ['cat', 'oss://demo/a', '--accept', 'aes', ...keys.own], 'any, sealed'],
  ])('%s', async (_, argv, words) => {
    const { code, stdout, stderr } = await oss(argv())
    expect([code, stdout.length, stderr]).toEqual([2, 0, expect.stringContaining(words)])
    expect(server.bucket('demo').requests).toEqual([])
    expect(readdirSync(directory.path).filter((name) => name.includes('never'))).toEqual([])
  })
})

describe('the format of a keyring file', () => {
  test.each([
    ['another one', () => keyring({ format: 'gcm' }), 'format: expected'],
    [
      'sealed, with a material that writes V1',
      () =>
        keyring({
          format: 'sealed',
          encrypting: 'l',
          materials: { l: { type: 'local-rsa', directory: 'local', format: 'v1' } },
        }),
      'format: the material "l" writes the V1 format',
    ],
  ])('%s: exit 3', async (_, options, words) => {
    const { code, stderr } = await put(...options())
    expect([code, stderr]).toEqual([3, expect.stringContaining(words)])
  })

  test.each<[string, Record<string, unknown>, string]>([
    [
      'aes-ctr, with a sealed-only material',
      { format: 'aes-ctr', sealedOnly: ['pem'] },
      'it must be "sealed"',
    ],
    ['sealedOnly of an unknown material', { sealedOnly: ['x'] }, 'sealedOnly.0: unknown material "x"'],
    [
      'sealedOnly of one of two materials with the same key',
      {
        sealedOnly: ['pem'],
        materials: {
          pem: { type: 'rsa', privateKeyFile: 'own.pem' },
          twin: { type: 'rsa', privateKeyFile: 'own.pem', materialDescription: { key: 'twin' } },
        },
      },
      'sealedOnly: the materials "pem" and "twin" hold the same key',
    ],
    [
      'sealedOnly beside the alias of a KMS key',
      {
        sealedOnly: ['pem'],
        materials: {
          pem: { type: 'rsa', privateKeyFile: 'own.pem' },
          kms: { type: 'kms', keyId: 'alias/a', region: 'cn-hangzhou' },
        },
      },
      'sealedOnly: the material "kms" must name its KMS key by the id',
    ],
  ])('%s: exit 3', async (_, document, words) => {
    const { code, stderr } = await put(...keyring(document))
    expect([code, stderr]).toEqual([3, expect.stringContaining(words)])
  })

  test('under a sealed-only material, objects are sealed, and no other is read, in the bucket and offline', async () => {
    const strict = keyring({ sealedOnly: ['pem'] })
    expect((await put(...strict)).code).toBe(0)
    expect(storedFormat()).toBe(SEALED)
    for (const command of ['cat', 'verify']) {
      expect((await oss([command, 'oss://demo/a', ...strict])).code).toBe(0)
      const passing = [command, 'oss://demo/a', '--on-plain-object', 'passthrough', ...strict]
      expect(await oss(passing)).toMatchObject({ code: 2, stderr: expect.stringContaining('"sealedOnly"') })
    }
    await put(...keys.own)
    for (const command of ['cat', 'verify']) {
      expect((await oss([command, 'oss://demo/a', ...strict])).code).toBe(6)
    }
    const files = [file('enc'), '--meta', file('meta.json')]
    await oss(['encrypt', file('plain'), '-o', file('enc'), '--meta-out', file('meta.json'), ...keys.own])
    expect(await oss(['decrypt', ...files, '-o', file('never'), ...strict])).toMatchObject({
      code: 6,
      stderr: expect.stringContaining('ERR_CSE_NOT_SEALED'),
    })
    await oss(['encrypt', file('plain'), '-o', file('enc'), '--meta-out', file('meta.json'), ...strict])
    expect((await oss(['decrypt', ...files, '-o', '-', ...strict])).stdout.equals(plaintext)).toBe(true)
  })

  test('says nothing about what is read', async () => {
    await put(...keys.own)
    expect((await oss(['cat', 'oss://demo/a', ...keyring({ format: 'sealed' })])).code).toBe(0)
  })
})
