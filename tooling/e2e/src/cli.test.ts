import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type OssEmulator, startOssEmulator } from '@oss-cse/oss-emulator'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type CommandOptions, endAll, finish, firstLine, run, start } from './command-line.ts'
import { keyPair, random } from './emulated-bucket.ts'

let emulator: OssEmulator
let directory: string
let server: NodeJS.ProcessEnv
let key: readonly string[]

beforeAll(async () => {
  emulator = await startOssEmulator({ buckets: ['demo'] })
  server = {
    OSS_ENDPOINT: emulator.endpoint,
    OSS_REGION: emulator.region,
    OSS_ACCESS_KEY_ID: emulator.accessKeyId,
    OSS_ACCESS_KEY_SECRET: emulator.accessKeySecret,
  }
})
afterAll(() => emulator.close())
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'oss-cse-cli-'))
  await writeFile(join(directory, 'key.pem'), keyPair.privateKey)
  key = ['--rsa-private-key', 'key.pem']
})
afterEach(async () => {
  endAll()
  await rm(directory, { recursive: true, force: true })
})

const cse = (args: readonly string[], options: CommandOptions = {}) =>
  run(args, { cwd: directory, env: server, ...options })
const at = (name: string) => join(directory, name)

test('a file goes up encrypted and comes back: put, stat, ls, cp, get, rm', async () => {
  const bytes = random(1_048_579)
  await writeFile(at('in'), bytes)
  expect(
    await cse(['put', 'in', 'oss://demo/dir/file', ...key, '--meta', 'a=b', '--content-type', 'text/x']),
  ).toMatchObject({ code: 0 })
  const stored = await emulator.getStoredObject('demo', 'dir/file')
  expect(stored?.bytes.length).toBe(bytes.length)
  expect(Buffer.from(stored?.bytes ?? []).equals(bytes)).toBe(false)
  const described = await cse(['stat', 'oss://demo/dir/file', '--json'])
  expect(described.code).toBe(0)
  expect(described.stdout.toString()).toContain('RSA/NONE/PKCS1Padding')
  expect(described.stdout.toString()).not.toContain(stored?.headers['x-oss-meta-client-side-encryption-key'])
  expect((await cse(['ls', 'oss://demo/dir/'])).stdout.toString()).toContain('file')
  expect(await cse(['cp', 'oss://demo/dir/file', 'oss://demo/copy'])).toMatchObject({ code: 0 })
  expect(await cse(['get', 'oss://demo/copy', 'out', ...key])).toMatchObject({ code: 0 })
  expect((await readFile(at('out'))).equals(bytes)).toBe(true)
  expect(await cse(['rm', 'oss://demo/copy', 'oss://demo/dir/file'])).toMatchObject({ code: 0 })
  expect(await cse(['stat', 'oss://demo/copy'])).toMatchObject({ code: 4 })
})

test('a file keeps its name where directories are given, and replaces none that is not named', async () => {
  const bytes = random(1000)
  await writeFile(at('report'), bytes)
  expect(await cse(['put', 'report', 'oss://demo/named/', ...key])).toMatchObject({ code: 0 })
  expect(await cse(['get', 'oss://demo/named/report', ...key])).toMatchObject({ code: 2 })
  await rm(at('report'))
  for (const target of [[], ['new/directory/']]) {
    expect(await cse(['get', 'oss://demo/named/report', ...target, ...key])).toMatchObject({ code: 0 })
    expect((await readFile(at(`${target[0] ?? ''}report`))).equals(bytes)).toBe(true)
  }
  await writeFile(at('report'), 'old')
  expect(await cse(['get', 'oss://demo/named/report', '--force', ...key])).toMatchObject({ code: 0 })
  expect((await readFile(at('report'))).equals(bytes)).toBe(true)
  // A file called `-` is not stdout.
  expect(await cse(['put', './-', 'oss://demo/named/', ...key])).toMatchObject({ code: 4 })
  await cse(['put', 'report', 'oss://demo/named/-', ...key])
  const { code, stdout } = await cse(['get', 'oss://demo/named/-', ...key])
  expect([code, stdout.length, (await readFile(at('-'))).equals(bytes)]).toEqual([0, 0, true])
})

test('standard input goes up and comes back on standard output, whole and by range', async () => {
  const bytes = random(3_000_001)
  expect(await cse(['put', '-', 'oss://demo/piped', ...key], { input: bytes })).toMatchObject({ code: 0 })
  expect((await cse(['get', 'oss://demo/piped', '-', ...key])).stdout.equals(bytes)).toBe(true)
  expect((await cse(['cat', 'oss://demo/piped', ...key])).stdout.equals(bytes)).toBe(true)
  for (const [range, expected] of [
    [['--range', '100-199'], bytes.subarray(100, 200)],
    [['--range', '2999990-'], bytes.subarray(2_999_990)],
    [['--range', '-100'], bytes.subarray(-100)],
    [['--range=-7'], bytes.subarray(-7)],
    [['--range', '2999999-9999999'], bytes.subarray(2_999_999)],
  ] as const) {
    const got = await cse(['get', 'oss://demo/piped', '-', ...range, ...key])
    expect(got.code, range.join(' ')).toBe(0)
    expect(got.stdout.equals(expected), range.join(' ')).toBe(true)
  }
  expect(await cse(['get', 'oss://demo/piped', 'out', '--range', '3000001-', ...key])).toMatchObject({
    code: 2,
  })
  expect(await readdir(directory)).toEqual(['key.pem'])
})

test('a file is sealed in parts, verified, and refused with the bytes at fault once somebody altered it', async () => {
  const bytes = random(1_000_000)
  await writeFile(at('in'), bytes)
  const parts = ['--part-size', '128KiB', '--multipart-threshold', '1', ...key]
  const put = await cse(['put', 'in', 'oss://demo/s/file', '--sealed', '--json', ...parts])
  const { commitment } = JSON.parse(put.stdout.toString())
  const get = ['get', 'oss://demo/s/file', 'out', '--expect-commitment', commitment, '--json', ...parts]
  expect(await cse(get)).toMatchObject({ code: 0 })
  expect((await readFile(at('out'))).equals(bytes)).toBe(true)
  expect(await cse(['verify', '--recursive', 'oss://demo/s/', '--accept', 'sealed', ...key])).toMatchObject({
    code: 0,
  })
  const stored = await emulator.getStoredObject('demo', 's/file')
  const altered = Buffer.from(stored?.bytes ?? [])
  altered[500_000] = (altered[500_000] ?? 0) ^ 1
  await emulator.putStoredObject('demo', 's/file', { bytes: altered })
  const fault = {
    code: 'ERR_CSE_AUTHENTICATION_FAILED',
    objectKey: 's/file',
    byteRange: { start: 458_600, end: 524_119 },
  }
  const refused = await cse(get)
  expect([refused.code, JSON.parse(refused.stdout.toString())]).toMatchObject([6, { error: fault }])
  const verified = await cse(['verify', 'oss://demo/s/file', '--json', ...key])
  expect([verified.code, JSON.parse(verified.stdout.toString())]).toMatchObject([
    6,
    { objects: [{ error: fault }], failedCount: 1 },
  ])
  expect((await readFile(at('out'))).equals(bytes)).toBe(true)
})

test('a made key pair encrypts and decrypts without a server, with a passphrase from the environment', async () => {
  const env = { SECRET: 'correct horse' }
  const bytes = random(200_001)
  await writeFile(at('in'), bytes)
  expect(
    await cse(['keygen', '--out', 'keys', '--bits', '2048', '--passphrase-env', 'SECRET'], { env }),
  ).toMatchObject({ code: 0 })
  expect((await stat(at('keys/private_key.pem'))).mode & 0o777).toBe(0o600)
  expect(
    await cse(
      ['encrypt', 'in', '-o', 'cipher', '--meta-out', 'meta.json', '--rsa-public-key', 'keys/public_key.pem'],
      { env: {} },
    ),
  ).toMatchObject({ code: 0 })
  const meta = JSON.parse(await readFile(at('meta.json'), 'utf8')) as Record<string, string>
  expect(Object.values(meta).every((value) => typeof value === 'string')).toBe(true)
  const shouted = Object.fromEntries(Object.entries(meta).map(([name, value]) => [name.toUpperCase(), value]))
  await writeFile(at('meta.json'), JSON.stringify(shouted))
  const secret = ['--rsa-private-key', 'keys/private_key.pem', '--rsa-passphrase-env', 'SECRET']
  expect(
    await cse(['decrypt', 'cipher', '-o', 'out', '--meta', 'meta.json', ...secret], { env }),
  ).toMatchObject({ code: 0 })
  expect((await readFile(at('out'))).equals(bytes)).toBe(true)
  const range = await cse(
    ['decrypt', 'cipher', '-o', '-', '--meta', 'meta.json', '--range', '77-100000', ...secret],
    { env },
  )
  expect(range.stdout.equals(bytes.subarray(77, 100_001))).toBe(true)
  expect(
    await cse(['decrypt', 'cipher', '-o', 'out2', '--meta', 'meta.json', ...secret], {
      env: { SECRET: 'wrong' },
    }),
  ).toMatchObject({ code: 3 })
  const inspected = await cse(['inspect', 'meta.json'], { env: {} })
  expect(inspected.code).toBe(0)
  for (const value of Object.values(meta).filter((text) => text.length > 100))
    expect(inspected.stdout.toString()).not.toContain(value)
})

describe('exit codes', () => {
  test.each([
    ['2: an unknown option', ['put', 'in', 'oss://demo/a', '--nonsense'], 2],
    ['2: an unknown command', ['nonsense'], 2],
    ['2: not an oss:// address', ['get', 'demo/a', 'out', '--rsa-private-key', 'key.pem'], 2],
    [
      '2: a range that is none',
      ['get', 'oss://demo/a', 'out', '--range', '9-1', '--rsa-private-key', 'key.pem'],
      2,
    ],
    ['3: no master key', ['put', 'key.pem', 'oss://demo/a'], 3],
    ['3: a key file that is no key', ['put', 'key.pem', 'oss://demo/a', '--rsa-private-key', 'other.pem'], 3],
    ['4: no such object', ['get', 'oss://demo/none', 'out', '--rsa-private-key', 'key.pem'], 4],
    ['4: no such bucket', ['get', 'oss://no-such-bucket/none', 'out', '--rsa-private-key', 'key.pem'], 4],
  ])('%s', async (_what, args, expected) => {
    await writeFile(at('other.pem'), 'nothing')
    const { code, stderr } = await cse(args)
    expect({ code, stderr }).toMatchObject({ code: expected, stderr: expect.stringMatching(/\S/) })
    expect(stderr).not.toMatch(/\n\s+at /)
  })

  test('2: a range that no byte of the object is in; one that ends behind it is cut', async () => {
    await writeFile(at('empty'), '')
    await writeFile(at('hundred'), random(100))
    for (const name of ['empty', 'hundred']) await cse(['put', name, `oss://demo/${name}`, ...key])
    for (const [name, range] of [
      ['empty', '-1'],
      ['empty', '0-'],
      ['hundred', '100-'],
      ['hundred', '9007199254740992-'],
      ['hundred', `${'9'.repeat(30)}-`],
    ]) {
      const { code, stderr } = await cse(['get', `oss://demo/${name}`, 'never', `--range=${range}`, ...key])
      expect([code, stderr]).toEqual([2, expect.stringContaining('ERR_CSE_RANGE_NOT_SATISFIABLE')])
    }
    await expect(readFile(at('never'))).rejects.toThrow('ENOENT')
    for (const range of [`90-${'9'.repeat(30)}`, '-10', '90-9007199254740993']) {
      expect((await cse(['cat', 'oss://demo/hundred', `--range=${range}`, ...key])).stdout).toHaveLength(10)
    }
  })

  test.runIf(existsSync('/proc/self/status'))(
    'a file whose file system tells of no content goes up whole, and is what was verified',
    async () => {
      expect(await cse(['put', '/proc/self/status', 'oss://demo/status', '--json', ...key])).toMatchObject({
        code: 0,
      })
      const { stdout } = await cse(['cat', 'oss://demo/status', ...key])
      expect(stdout.toString()).toMatch(/^Name:/)
      expect(
        await cse(['encrypt', '/proc/self/status', '-o', 'out.enc', '--meta-out', 'out.json', ...key]),
      ).toMatchObject({ code: 0 })
      const back = await cse(['decrypt', 'out.enc', '-o', '-', '--meta', 'out.json', ...key])
      expect(back.stdout.toString()).toMatch(/^Name:/)
    },
  )

  test.runIf(existsSync('/proc/version'))(
    'such a file is decrypted to its end, not to its size',
    async () => {
      await cse(['encrypt', '/proc/version', '-o', 'version.enc', '--meta-out', 'version.json', ...key])
      // Counter mode does the same both ways.
      const { code, stdout } = await cse([
        'decrypt',
        '/proc/version',
        '-o',
        '-',
        '--meta',
        'version.json',
        ...key,
      ])
      expect(code).toBe(0)
      expect(stdout).toEqual(await readFile(at('version.enc')))
    },
  )

  test('3: no credentials, and both remedies are named', async () => {
    // A home of its own: the user's may hold credentials.
    const env = { OSS_ENDPOINT: emulator.endpoint, HOME: directory, USERPROFILE: directory }
    const { code, stderr } = await cse(['ls', 'oss://demo'], { env })
    expect(code).toBe(3)
    expect(stderr).toContain('OSS_ACCESS_KEY_ID')
  })

  test('5: a wrong secret, and nothing listens', async () => {
    const wrong = await cse(['ls', 'oss://demo'], {
      env: { ...server, OSS_ACCESS_KEY_SECRET: 'not-the-secret' },
    })
    expect(wrong.code).toBe(5)
    expect(wrong.stderr).not.toContain('not-the-secret')
    expect(
      await cse(['stat', 'oss://demo/a'], { env: { ...server, OSS_ENDPOINT: 'http://127.0.0.1:1' } }),
    ).toMatchObject({ code: 5 })
  })

  test('5: TLS with a server that speaks none, and the remedy is named', async () => {
    const env = { ...server, OSS_ENDPOINT: emulator.endpoint.replace('http:', 'https:') }
    const { code, stderr } = await cse(['ls', 'oss://demo'], { env })
    expect([code, stderr]).toEqual([5, expect.stringMatching(/plain HTTP.*http:\/\//)])
  })

  test('3: no home directory for checkpoints, and the remedies are named', async () => {
    await writeFile(at('large'), random(11_000_000))
    for (const home of ['', '/dev/null']) {
      const env = { ...server, HOME: home, USERPROFILE: home, OSS_CSE_CHECKPOINT_DIR: '' }
      const { code, stderr } = await cse(['put', 'large', 'oss://demo/large', ...key], { env })
      expect([code, stderr]).toEqual([3, expect.stringMatching(/--checkpoint-dir.*--no-resume/)])
    }
  })

  test('6: a wrong key, a tampered envelope, a plain object; the old file stays as it was', async () => {
    await writeFile(at('in'), random(1000))
    await writeFile(at('out'), 'old')
    await cse(['put', 'in', 'oss://demo/six', ...key])
    await cse(['keygen', '--out', 'other', '--bits', '2048'])
    const stored = await emulator.getStoredObject('demo', 'six')
    if (stored === undefined) throw new Error('nothing is stored')
    expect(
      await cse(['get', 'oss://demo/six', 'out', '--rsa-private-key', 'other/private_key.pem']),
    ).toMatchObject({ code: 6 })
    const name = 'x-oss-meta-client-side-encryption-start'
    await emulator.putStoredObject('demo', 'six', {
      ...stored,
      headers: { ...stored.headers, [name]: 'AAAA' },
    })
    expect(await cse(['get', 'oss://demo/six', 'out', ...key])).toMatchObject({ code: 6 })
    await emulator.putStoredObject('demo', 'six', { ...stored, headers: {} })
    expect(await cse(['get', 'oss://demo/six', 'out', ...key])).toMatchObject({ code: 6 })
    expect(await readFile(at('out'), 'utf8')).toBe('old')
    expect((await readdir(directory)).sort()).toEqual(['in', 'key.pem', 'other', 'out'])
  })

  test('130: an interrupted upload ends at once and stores nothing', async () => {
    const child = start(['put', '-', 'oss://demo/interrupted', ...key], {
      cwd: directory,
      env: server,
      input: 'open',
    })
    const sending = new Promise<void>((resolve) => {
      const poll = () =>
        emulator.requests.some(({ path }) => path.includes('interrupted')) ? resolve() : setImmediate(poll)
      poll()
    })
    child.stdin?.write(random(5_000_000))
    const finished = finish(child)
    // The request is recorded when its headers arrive; a child that never sends one fails the test by its time.
    await Promise.race([sending, finished])
    child.kill('SIGINT')
    expect(await finished).toMatchObject({ code: 130 })
    expect(await emulator.getStoredObject('demo', 'interrupted')).toBeUndefined()
  })
})

test('a reader that closes the pipe ends the command quietly', async () => {
  await cse(['put', '-', 'oss://demo/long', ...key], { input: random(5_000_000) })
  const child = start(['cat', 'oss://demo/long', ...key], { cwd: directory, env: server })
  const stderr: string[] = []
  child.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk.toString()))
  child.stdout?.once('data', () => child.stdout?.destroy())
  await once(child, 'close')
  expect(stderr.join('')).toBe('')
})

test('oss-cse emulator tells where it is in its first line, keeps its data and its access log, and stops when asked', async () => {
  const bytes = random(100_000)
  for (const round of [1, 2]) {
    const child = start(
      [
        'emulator',
        '--json',
        '--port',
        '0',
        '--data',
        'data',
        '--bucket',
        'one',
        '--bucket',
        'two',
        '--access-log',
        'access.log',
      ],
      { cwd: directory, input: 'open' },
    )
    const finished = once(child, 'exit')
    const line = JSON.parse(await firstLine(child)) as Record<string, unknown>
    expect(Object.keys(line).sort()).toEqual([
      'accessKeyId',
      'accessKeySecret',
      'buckets',
      'endpoint',
      'region',
    ])
    expect(line).toMatchObject({
      endpoint: expect.stringMatching(/^http:\/\/localhost:\d+$/),
      buckets: expect.arrayContaining(['one', 'two']),
    })
    const env = {
      OSS_ENDPOINT: String(line['endpoint']),
      OSS_REGION: String(line['region']),
      OSS_ACCESS_KEY_ID: String(line['accessKeyId']),
      OSS_ACCESS_KEY_SECRET: String(line['accessKeySecret']),
    }
    if (round === 1) {
      expect(await cse(['put', '-', 'oss://two/kept', ...key], { env, input: bytes })).toMatchObject({
        code: 0,
      })
      expect(await cse(['mb', 'oss://three-new'], { env })).toMatchObject({ code: 0 })
    }
    expect((await cse(['cat', 'oss://two/kept', ...key], { env })).stdout.equals(bytes)).toBe(true)
    expect(await cse(['ls', 'oss://three-new'], { env })).toMatchObject({ code: 0 })
    child.kill('SIGTERM')
    expect(await finished).toEqual([0, null])
  }
  const log = (await readFile(at('access.log'), 'utf8'))
    .trim()
    .split('\n')
    .map((text) => JSON.parse(text) as Record<string, unknown>)
  expect(log.length).toBeGreaterThanOrEqual(4)
  for (const entry of log) {
    expect(Object.keys(entry)).toEqual(
      expect.arrayContaining(['time', 'method', 'path', 'query', 'status', 'bytesIn', 'bytesOut']),
    )
  }
})

test('the demo passes all its checks', async () => {
  const { code, stdout, stderr } = await cse(['demo'], { env: {} })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout.toString()).toMatch(/All \d+ checks passed/)
})

test('oss-cse emulator --kms keeps its key, over TLS that only its CA vouches for, and stops when asked', async () => {
  const bytes = random(100_000)
  for (const round of [1, 2]) {
    const child = start(['emulator', '--json', '--kms', '--kms-tls', '--data', 'data'], {
      cwd: directory,
      input: 'open',
    })
    const finished = once(child, 'exit')
    const line = JSON.parse(await firstLine(child)) as Record<string, string>
    const untrusting = {
      OSS_ENDPOINT: line['endpoint'],
      OSS_REGION: line['region'],
      OSS_ACCESS_KEY_ID: line['accessKeyId'],
      OSS_ACCESS_KEY_SECRET: line['accessKeySecret'],
      OSS_CSE_KMS_ENDPOINT: line['kmsEndpoint'],
    }
    const env = { ...untrusting, NODE_EXTRA_CA_CERTS: line['kmsCaFile'] }
    const kms = ['--kms-key-id', line['kmsKeyId'] ?? '']
    if (round === 1) {
      expect(await cse(['put', '-', 'oss://demo/kept', ...kms], { env, input: bytes })).toMatchObject({
        code: 0,
      })
      const refused = await cse(['cat', 'oss://demo/kept', ...kms], { env: untrusting })
      expect([refused.code, refused.stderr]).toEqual([5, expect.stringContaining('NODE_EXTRA_CA_CERTS')])
    }
    expect((await cse(['cat', 'oss://demo/kept', ...kms], { env })).stdout.equals(bytes)).toBe(true)
    child.kill('SIGTERM')
    expect(await finished).toEqual([0, null])
  }
})
