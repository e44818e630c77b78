import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type KeyArguments, writeKeyFiles } from '../testing/key-files.ts'
import { MemoryServer, type RunOptions, run, temporaryDirectory } from '../testing/shell.ts'

const Z = 65_536
const LENGTH = 'x-oss-meta-client-side-encryption-unencrypted-content-length'
const CEK_ALGORITHM = 'x-oss-meta-client-side-encryption-cek-alg'
const directory = temporaryDirectory()
const file = (name: string): string => join(directory.path, name)
const data = Buffer.from(Array.from({ length: 3 * Z }, (_, i) => (i * 5 + (i >> 9)) & 0xff))
/** At the borders of segments, and off them. */
const SIZES = [0, 1, 1000, Z - 57, Z - 56, Z - 55, 2 * Z - 73, 2 * Z - 72, 2 * Z - 71, 3 * Z]

let keys: KeyArguments
const server = new MemoryServer()
const oss = (argv: readonly string[], options?: RunOptions) => run(server, argv, options)
const seal = (input: string, ...more: string[]) =>
  oss([
    'encrypt',
    input,
    '-o',
    file('enc'),
    '--meta-out',
    file('meta.json'),
    '--sealed',
    ...keys.own,
    ...more,
  ])
const open = (input: string, argv: readonly string[] = [], options?: RunOptions) =>
  oss(['decrypt', input, '-o', '-', '--meta', file('meta.json'), ...keys.own, ...argv], options)
const envelope = (): Record<string, string> => JSON.parse(readFileSync(file('meta.json'), 'utf8'))
const writeMeta = (headers: unknown) => writeFileSync(file('meta.json'), JSON.stringify(headers))
const withoutLength = (): Record<string, string> => {
  const { [LENGTH]: _, ...headers } = envelope()
  return headers
}

beforeAll(async () => {
  keys = await writeKeyFiles(directory.path)
})
beforeEach(async () => {
  writeFileSync(file('plain'), data)
  expect((await seal(file('plain'))).code).toBe(0)
})
afterAll(() => {
  expect(readdirSync(directory.path).filter((name) => /never|part/.test(name))).toEqual([])
  directory.remove()
})

describe('encrypt --sealed', () => {
  test.each(SIZES)('seals %i bytes from a file and from stdin, and decrypt opens both', async (sizeBytes) => {
    const plaintext = data.subarray(0, sizeBytes)
    writeFileSync(file('plain'), plaintext)
    for (const stdin of [undefined, plaintext]) {
      const argv = ['-o', file('enc'), '--meta-out', file('meta.json'), '--sealed', '--json', ...keys.own]
      const { code, json } = await oss(['encrypt', stdin ? '-' : file('plain'), ...argv], {
        ...(stdin && { stdin }),
      })
      const stored = readFileSync(file('enc'))
      expect(code).toBe(0)
      expect(json()).toMatchObject({
        sizeBytes,
        sealed: true,
        commitment: stored.subarray(1, 33).toString('base64url'),
        envelope: { cekAlgorithm: 'AES256_GCM_HKDF_64KB', unencryptedContentLength: sizeBytes },
      })
      expect(stored.length).toBe(40 + sizeBytes + 16 * Math.max(1, Math.ceil((sizeBytes + 40) / (Z - 16))))
      expect((await open(file('enc'))).stdout.equals(plaintext)).toBe(true)
      expect((await open('-', [], { stdin: stored })).stdout.equals(plaintext)).toBe(true)
    }
  })

  test('makes what a bucket reads as a sealed object, and the other way round', async () => {
    const bucket = server.bucket('demo')
    await bucket.plant('a', readFileSync(file('enc')), envelope())
    const got = await oss(['cat', 'oss://demo/a', '--accept', 'sealed', ...keys.own])
    expect(got.stdout.equals(data)).toBe(true)
    await oss(['put', file('plain'), 'oss://demo/b', '--sealed', ...keys.own])
    const stored = bucket.objects.get('b')
    writeFileSync(file('enc'), stored?.bytes ?? '')
    writeMeta(stored?.headers)
    expect((await open(file('enc'), ['--accept', 'sealed'])).stdout.equals(data)).toBe(true)
  })

  test('opens what was uploaded in parts, whose lengths are those of the stored bytes', async () => {
    const cut = ['--part-size', '128KiB', '--multipart-threshold', '1']
    await oss(['put', file('plain'), 'oss://demo/parts', '--sealed', ...cut, ...keys.own])
    const stored = server.bucket('demo').objects.get('parts')
    writeMeta(stored?.headers)
    writeFileSync(file('enc'), stored?.bytes ?? '')
    expect((await open(file('enc'))).stdout.equals(data)).toBe(true)
    expect((await open('-', [], { stdin: stored?.bytes ?? data })).stdout.equals(data)).toBe(true)
  })

  test('takes the format from a keyring file, and prints the commitment', async () => {
    const materials = { pem: { type: 'rsa', privateKeyFile: 'own.pem' } }
    writeFileSync(file('keyring.json'), JSON.stringify({ format: 'sealed', encrypting: 'pem', materials }))
    const argv = ['-o', file('enc'), '--meta-out', file('meta.json'), '--keyring', file('keyring.json')]
    const { stderr } = await oss(['encrypt', file('plain'), ...argv])
    expect(stderr).toMatch(/^Sealed 192 KiB\. Keep .*\. Commitment: [\w-]{43}\n$/)
    expect(envelope()[CEK_ALGORITHM]).toBe('AES256_GCM_HKDF_64KB')
  })

  test('needs only a public key', async () => {
    const argv = ['-o', file('enc'), '--meta-out', file('meta.json'), '--sealed', ...keys.ownPublic]
    expect((await oss(['encrypt', file('plain'), ...argv])).code).toBe(0)
    expect((await open(file('enc'))).stdout.equals(data)).toBe(true)
  })

  test('never seals the end of a source that fails, and leaves no file', async () => {
    const broken = () =>
      Readable.from(
        (async function* () {
          yield data
          throw new Error('the disk is gone')
        })(),
      )
    const never = ['-o', file('never'), '--meta-out', file('never.json'), '--sealed', ...keys.own]
    expect((await oss(['encrypt', '-', ...never], { stdin: broken() })).code).toBe(1)
    const piped = ['encrypt', '-', '-o', '-', '--meta-out', file('never.json'), '--sealed', ...keys.own]
    const { code, stdout } = await oss(piped, { stdin: broken() })
    // Two of the four segments, or three: the one that may be the last is held back.
    expect([code, stdout.length % Z]).toEqual([1, 0])
    expect(stdout.length).toBeGreaterThan(0)
    expect(stdout.length).toBeLessThan(4 * Z)
  })
})

describe('decrypt of a sealed file', () => {
  test.each([
    ['0-0', 0, 1],
    [`${Z - 57}-${Z - 56}`, Z - 57, Z - 55],
    [`${2 * Z - 72}-`, 2 * Z - 72, 3 * Z],
    ['-100', 3 * Z - 100, 3 * Z],
    [`100-${9 * Z}`, 100, 3 * Z],
    ['-9999999', 0, 3 * Z],
  ])('--range %s returns those bytes, of a file and of a stream', async (range, start, end) => {
    for (const [input, stdin] of [[file('enc')], ['-', readFileSync(file('enc'))]] as const) {
      const { code, stdout, stderr } = await open(input, [`--range=${range}`, '--json'], {
        ...(stdin && { stdin }),
      })
      expect([code, stdout.equals(data.subarray(start, end))]).toEqual([0, true])
      expect(JSON.parse(stderr)).toMatchObject({
        sizeBytes: end - start,
        totalBytes: 3 * Z,
        contentRange: `bytes ${start}-${end - 1}/${3 * Z}`,
        verification: 'aead',
        sealed: true,
        commitment: expect.stringMatching(/^[\w-]{43}$/),
      })
    }
  })

  test('a range behind the end exits 2, and only after the end was verified', async () => {
    const cut = readFileSync(file('enc')).subarray(0, 2 * Z)
    for (const range of [`${3 * Z}-`, `${9 * Z}-${10 * Z}`]) {
      for (const [input, stdin] of [[file('enc')], ['-', readFileSync(file('enc'))]] as const) {
        const { code, stdout } = await open(input, [`--range=${range}`], { ...(stdin && { stdin }) })
        expect([code, stdout.length]).toEqual([2, 0])
      }
    }
    writeFileSync(file('enc'), cut)
    writeMeta(withoutLength())
    expect((await open(file('enc'), [`--range=${2 * Z}-`])).code).toBe(6)
  })

  test('reports what was verified, in a line', async () => {
    const argv = ['decrypt', file('enc'), '-o', file('out'), '--meta', file('meta.json'), ...keys.own]
    expect(await oss(argv)).toMatchObject({ code: 0, stderr: 'Decrypted 192 KiB (every byte verified).\n' })
    expect(readFileSync(file('out')).equals(data)).toBe(true)
  })

  test('--expect-commitment and --context are those of the envelope', async () => {
    const { commitment } = (await seal(file('plain'), '--context', 'reports/ü', '--json')).json()
    const bound = ['--context', 'reports/ü']
    expect((await open(file('enc'), bound)).stdout.equals(data)).toBe(true)
    expect((await open(file('enc'), [...bound, '--expect-commitment', String(commitment)])).code).toBe(0)
    for (const more of [[], ['--context', 'x'], [...bound, '--expect-commitment', 'A'.repeat(43)]]) {
      const { code, stdout, stderr } = await open(file('enc'), more)
      expect([code, stdout.length, stderr]).toEqual([
        6,
        0,
        expect.stringContaining('ERR_CSE_AUTHENTICATION_FAILED'),
      ])
    }
  })

  test('--accept sealed and --expect-commitment refuse an envelope of AES-CTR, before its key is unwrapped', async () => {
    await oss(['encrypt', file('plain'), '-o', file('enc'), '--meta-out', file('meta.json'), ...keys.own])
    for (const more of [
      ['--accept', 'sealed'],
      ['--expect-commitment', 'A'.repeat(43)],
    ]) {
      const argv = ['decrypt', file('enc'), '-o', file('never'), '--meta', file('meta.json'), ...more]
      const { code, stderr } = await oss([...argv, ...keys.other])
      expect([code, stderr]).toEqual([6, expect.stringContaining('ERR_CSE_NOT_SEALED')])
    }
    expect((await open(file('enc'), ['--context', 'x'])).stdout.equals(data)).toBe(true)
  })
})

describe('decrypt releases nothing that is not authentic', () => {
  const alter: readonly (readonly [string, (stored: Buffer) => Buffer, number])[] = [
    ['a bit of the header', (s) => flip(s, 3), 0],
    ['a bit of the first segment', (s) => flip(s, 1000), 0],
    ['a bit of the last segment', (s) => flip(s, 3 * Z + 5), 3 * Z - 88],
    ['a bit of a tag', (s) => flip(s, 2 * Z - 1), Z - 56],
    [
      'two segments swapped',
      (s) =>
        Buffer.concat([s.subarray(0, Z), s.subarray(2 * Z, 3 * Z), s.subarray(Z, 2 * Z), s.subarray(3 * Z)]),
      Z - 56,
    ],
    ['cut at a border', (s) => s.subarray(0, 2 * Z), 2 * Z - 72],
    ['cut inside a segment', (s) => s.subarray(0, 2 * Z + 100), 2 * Z - 72],
    ['extended', (s) => Buffer.concat([s, Buffer.alloc(100)]), 3 * Z - 88],
    ['emptied', () => Buffer.alloc(0), 0],
  ]
  const flip = (stored: Buffer, at: number): Buffer =>
    Buffer.from(stored.map((byte, i) => (i === at ? byte ^ 1 : byte)))

  test.each(alter)(
    '%s: exit 6, no file, and on stdout only what is before it',
    async (_, change, authentic) => {
      const altered = change(readFileSync(file('enc')))
      writeFileSync(file('enc'), altered)
      const recorded = envelope()
      for (const meta of [recorded, withoutLength()]) {
        writeMeta(meta)
        for (const [input, stdin] of [[file('enc')], ['-', altered]] as const) {
          // Without a length, nothing tells where a stream ends.
          if (stdin && meta !== recorded) continue
          const argv = ['decrypt', input, '-o', file('never'), '--meta', file('meta.json'), ...keys.own]
          const { code, stderr } = await oss(argv, { ...(stdin && { stdin }) })
          expect([code, stderr]).toEqual([6, expect.stringContaining('ERR_CSE_AUTHENTICATION_FAILED')])
          const piped = await open(input, [], { ...(stdin && { stdin }) })
          expect(piped.code).toBe(6)
          expect(piped.stdout.length).toBeLessThanOrEqual(authentic)
          expect(piped.stdout.equals(data.subarray(0, piped.stdout.length))).toBe(true)
        }
      }
      writeMeta(recorded)
    },
  )

  test('the JSON has the bytes at fault', async () => {
    writeFileSync(file('enc'), flip(readFileSync(file('enc')), Z))
    const { stderr } = await open(file('enc'), ['--json'])
    expect(JSON.parse(stderr)).toMatchObject({
      error: { code: 'ERR_CSE_AUTHENTICATION_FAILED', byteRange: { start: Z - 56, end: 2 * Z - 73 } },
    })
  })

  test('where only sealed files are accepted, a key that does not unwrap ends as altered content does', async () => {
    const argv = [
      'decrypt',
      file('enc'),
      '-o',
      file('never'),
      '--meta',
      file('meta.json'),
      '--accept',
      'sealed',
    ]
    const wrong = await oss([...argv, ...keys.other])
    writeFileSync(file('enc'), flip(readFileSync(file('enc')), 3))
    expect(wrong).toEqual({ ...(await oss([...argv, ...keys.own])), json: expect.any(Function) })
    expect([wrong.code, wrong.stderr]).toEqual([6, expect.stringContaining('ERR_CSE_AUTHENTICATION_FAILED')])
  })

  test('a stream of unknown length exits 2, because nothing tells which segment is the last one', async () => {
    writeMeta(withoutLength())
    const { code, stderr } = await open('-', [], { stdin: readFileSync(file('enc')) })
    expect([code, stderr]).toEqual([2, expect.stringContaining('Name a file')])
  })

  test.each(['9007199254740991', '140737488355328'])('a recorded length of %s exits 6', async (length) => {
    writeMeta({ ...envelope(), [LENGTH]: length })
    for (const [input, stdin] of [[file('enc')], ['-', readFileSync(file('enc'))]] as const)
      expect((await open(input, [], { ...(stdin && { stdin }) })).code).toBe(6)
  })
})
