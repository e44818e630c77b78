import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { TransportError } from '@oss-cse/crypto-core'
import type { MemoryTransport } from '@oss-cse/crypto-core/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { writeKeyFiles } from '../../testing/key-files.ts'
import { MemoryQueues } from '../../testing/memory-queues.ts'
import { MemoryServer, type Outcome, type RunOptions, run, temporaryDirectory } from '../../testing/shell.ts'

const QUEUE = 'postgres://fleet@db.internal/fleet'
const directory = temporaryDirectory()
const file = (name: string): string => join(directory.path, name)
const OLD = ['--rsa-private-key', file('own.pem'), '--matdesc', '{"key":"old"}']
const NEW = ['--rsa-private-key', file('other.pem'), '--matdesc', '{"key":"new"}']
const KEYRING = ['--keyring', file('keyring.json')]

let server: MemoryServer
let queues: MemoryQueues
let runs: string
let count = 0

beforeAll(async () => {
  await writeKeyFiles(directory.path)
  const material = (name: string, key: string) => ({
    type: 'rsa',
    privateKeyFile: name,
    materialDescription: { key },
  })
  const materials = {
    old: material('own.pem', 'old'),
    new: material('other.pem', 'new'),
    nameless: { type: 'rsa', privateKeyFile: 'own.pem' },
  }
  writeFileSync(file('keyring.json'), JSON.stringify({ encrypting: 'old', materials }))
})
afterAll(() => directory.remove())
beforeEach(async () => {
  server = new MemoryServer()
  queues = new MemoryQueues()
  count++
  runs = file(`runs-${count}`)
  bucket().versioning = 'Enabled'
  for (const key of ['a', 'b']) await put(key)
})

const bucket = (name = 'demo'): MemoryTransport => server.bucket(name)
const oss = (argv: readonly string[], options: RunOptions = {}): Promise<Outcome> =>
  run(server, argv, {
    openJobQueue: queues.open,
    ...options,
    env: { OSS_CSE_FLEET_DIR: runs, ...options.env },
  })
const rotate = (argv: readonly string[], options?: RunOptions): Promise<Outcome> =>
  oss(['fleet', 'rotate', 'oss://demo/', '--to', 'new', ...KEYRING, '--max-qps', '1000000', ...argv], options)
const migrate = (argv: readonly string[], options?: RunOptions): Promise<Outcome> =>
  oss(['fleet', 'migrate', 'oss://demo/', ...NEW, '--max-qps', '1000000', ...argv], options)

async function put(key: string): Promise<void> {
  const outcome = await oss(['put', '-', `oss://demo/${key}`, ...OLD], {
    stdin: Buffer.from(`content of ${key}`),
  })
  expect(outcome.code).toBe(0)
}

/** Reads an object under the new key alone. */
async function read(key: string, from = 'demo'): Promise<string | undefined> {
  const { code, stdout } = await oss(['cat', `oss://${from}/${key}`, ...NEW])
  return code === 0 ? stdout.toString() : undefined
}

/** A person at a terminal. */
function typing(text: string): Readable {
  return Object.assign(Readable.from([Buffer.from(text)]), { isTTY: true })
}

const writes = (name = 'demo'): number =>
  bucket(name).requests.filter(({ operation }) => ['put', 'copy', 'delete'].includes(operation)).length

describe('rotate', () => {
  test('moves all objects to the named material, and keeps their ciphertext', async () => {
    const before = bucket().objects.get('a')?.bytes
    const { code, json } = await rotate(['--yes', '--json'])
    expect([code, json()]).toMatchObject([
      0,
      { totals: { objects: 2, rotated: 2 }, summary: { problemCount: 0 } },
    ])
    expect([await read('a'), await read('b')]).toEqual(['content of a', 'content of b'])
    expect(bucket().objects.get('a')?.bytes).toEqual(before)
  })

  test('of what is done already writes nothing', async () => {
    await rotate(['--yes'])
    const before = writes()
    expect((await rotate(['--yes', '--json'])).json()).toMatchObject({ totals: { already: 2 } })
    expect(writes()).toBe(before)
  })

  test('with --new-content-key encrypts the content again, in another format if that is asked for', async () => {
    const before = bucket().objects.get('a')?.bytes
    expect(await rotate(['--yes', '--new-content-key', '--format', 'sealed'])).toMatchObject({ code: 0 })
    expect(bucket().objects.get('a')?.bytes).not.toEqual(before)
    expect((await oss(['stat', 'oss://demo/a', '--json'])).json()).toMatchObject({ sealed: true })
    expect(await read('a')).toBe('content of a')
  })

  test('--dry-run says what would be written, without a question', async () => {
    const before = writes()
    expect((await rotate(['--dry-run', '--json'])).json()).toMatchObject({ totals: { 'would-rotate': 2 } })
    expect(writes()).toBe(before)
  })

  test('--limit writes the first keys only', async () => {
    expect((await rotate(['--yes', '--limit', '1', '--json'])).json()).toMatchObject({
      totals: { rotated: 1 },
    })
    expect([await read('a'), await read('b')]).toEqual(['content of a', undefined])
  })

  test('asks a person, and shows before what will happen', async () => {
    const { code, stderr } = await rotate([], { stdin: typing('n\n') })
    expect(code).toBe(1)
    expect(stderr).toMatch(
      /rotate oss:\/\/demo\/: each object is stored as a new version\. Older versions stay .*\n/,
    )
    expect(stderr).toMatch(
      /The target is the material "new": RSA\/.*"new".*\n[\s\S]*Start\? \[y\/N\] .*Nothing was done\./,
    )
    expect(existsSync(runs)).toBe(false)
    expect(await rotate([], { stdin: typing('yes\n') })).toMatchObject({ code: 0 })
    expect(await read('a')).toBe('content of a')
  })

  test('without a terminal and --yes does nothing', async () => {
    expect(await rotate([])).toMatchObject({ code: 2, stderr: expect.stringContaining('Give --yes') })
    expect(existsSync(runs)).toBe(false)
  })

  test.each([
    [2, ['--to', 'none'], 'unknown material "none"'],
    [3, ['--to', 'nameless'], 'has no "materialDescription"'],
    [2, ['--format', 'sealed'], '--format requires --new-content-key'],
    [2, ['--into', 'oss://demo'], 'names the bucket of the objects itself'],
    [2, ['--into', 'oss://other/prefix'], 'takes a bucket alone'],
    [2, ['--into', 'oss://other', '--writers-are-paused'], 'cannot be used with'],
    [3, ['--writers-are-paused'], 'keeps versions'],
  ])('with exit code %i refuses %j', async (code, argv, reason) => {
    expect(await rotate(['--yes', ...argv])).toMatchObject({ code, stderr: expect.stringContaining(reason) })
    expect(existsSync(runs)).toBe(false)
  })

  test.each([[[]], [['--writers-are-paused']]])(
    'refuses a bucket with suspended versioning, with %j',
    async (argv) => {
      bucket().versioning = 'Suspended'
      const { code, stderr } = await rotate(['--yes', ...argv])
      expect([code, stderr]).toEqual([3, expect.stringContaining('is suspended')])
      // Each of the two ways was refused with a text that named the other one.
      expect(stderr).not.toContain('--writers-are-paused')
      expect(existsSync(runs)).toBe(false)
    },
  )

  test('needs a keyring file', async () => {
    const argv = ['fleet', 'rotate', 'oss://demo/', '--to', 'new', '--yes', ...NEW]
    expect(await oss(argv)).toMatchObject({ code: 2, stderr: expect.stringContaining('give --keyring') })
  })

  test('refuses a bucket without versions, unless its writers are paused', async () => {
    bucket().versioning = 'Unversioned'
    const { code, stderr } = await rotate(['--yes'])
    expect([code, stderr]).toEqual([3, expect.stringContaining('--writers-are-paused')])
    expect(await rotate(['--yes', '--writers-are-paused'])).toMatchObject({ code: 0 })
    expect([await read('a'), await read('b')]).toEqual(['content of a', 'content of b'])
    expect([...bucket().objects.keys()].sort()).toEqual(['a', 'b'])
  })

  test('with --writers-are-paused counts no temporary objects of its own', async () => {
    bucket().versioning = 'Unversioned'
    // What a worker that was killed has left, while the planner was at work.
    await bucket().plant('.oss-cse/mine/1234', Buffer.from('temporary'))
    await bucket().plant('.oss-cse/mine2', Buffer.from('of a user'))
    const { json } = await rotate(['--yes', '--writers-are-paused', '--run', 'mine', '--json'])
    expect(json()).toMatchObject({ listedKeys: 3, totals: { objects: 3, rotated: 2, plain: 1 } })
  })

  test('--into writes into another bucket, and overwrites nothing there', async () => {
    await bucket('other').plant('b', Buffer.from('of somebody else'))
    const { code, stderr } = await rotate(['--yes', '--into', 'oss://other'])
    expect([code, stderr]).toEqual([1, expect.stringContaining('1 of 2 objects was not copied')])
    expect([await read('a', 'other'), await read('a')]).toEqual(['content of a', undefined])
    expect(bucket('other').objects.get('b')?.bytes).toEqual(Buffer.from('of somebody else'))
    expect(await rotate(['--yes', '--into', 'oss://demo2'])).toMatchObject({ code: 0 })
  })

  test.each([
    ['of the objects', 'demo'],
    ['of --into', 'other'],
  ])(
    'ends when the bucket %s does not exist any more, and is continued by the same command',
    async (_, name) => {
      bucket().versioning = 'Unversioned'
      bucket(name).intercept = ({ operation }) => {
        if (operation === 'getVersioning' || operation === 'list') return
        throw new TransportError('ERR_CSE_NOT_FOUND', 'NoSuchBucket', {
          status: 404,
          retryable: false,
          serviceCode: 'NoSuchBucket',
        })
      }
      const argv = ['--yes', '--run', 'mine', '--into', 'oss://other']
      expect(await rotate(argv)).toMatchObject({ code: 4, stderr: expect.stringContaining('NoSuchBucket') })
      expect((await oss(['fleet', 'status', 'mine', '--json'])).json()).toMatchObject({
        state: 'active',
        shards: { completed: 0, failed: 0 },
      })
      bucket(name).intercept = undefined
      expect((await rotate([...argv, '--json'])).json()).toMatchObject({ totals: { objects: 2, rotated: 2 } })
    },
  )

  test('tries a shard again whose last write could not be checked', async () => {
    let written = false
    let left = 3
    bucket().intercept = ({ operation }) => {
      if (operation === 'put') written = true
      if (operation !== 'listVersions' || !written || left === 0) return
      left--
      throw new TransportError('ERR_CSE_SERVICE', 'refused', { status: 400, retryable: false })
    }
    const { code, stderr, json } = await rotate(['--yes', '--parallel', '1', '--json'])
    expect(stderr).toContain('It is not known what the last write left at 1 of its objects')
    expect([code, json()]).toMatchObject([0, { totals: { objects: 2 }, summary: { problemCount: 0 } }])
    expect([await read('a'), await read('b')]).toEqual(['content of a', 'content of b'])
  })

  test('is continued by a worker whose keyring file names another encrypting key', async () => {
    const interrupt = new AbortController()
    bucket().intercept = ({ operation }) => {
      if (operation === 'list') interrupt.abort()
    }
    const env = { OSS_CSE_FLEET_QUEUE: QUEUE }
    const started = await rotate(['--yes', '--report', 'oss://reports/'], { env, signal: interrupt.signal })
    expect(started.code).toBe(130)
    bucket().intercept = undefined
    expect(await oss(['fleet', 'worker', ...OLD], { env })).toMatchObject({ code: 3 })
    expect(await oss(['fleet', 'worker', ...KEYRING, '--max-qps', '1000000'], { env })).toMatchObject({
      code: 0,
    })
    expect([await read('a'), await read('b')]).toEqual(['content of a', 'content of b'])
  })
})

describe('migrate', () => {
  beforeEach(async () => {
    await oss(['rm', '--recursive', 'oss://demo/'])
    await bucket().plant('plain', Buffer.from('content of plain'))
  })

  test('encrypts plain objects under the encrypting key, and leaves encrypted ones', async () => {
    await put('a')
    expect((await migrate(['--yes', '--json'])).json()).toMatchObject({ totals: { migrated: 1, already: 1 } })
    expect([await read('plain'), await read('a')]).toEqual(['content of plain', undefined])
  })

  test('--format sealed seals them', async () => {
    await migrate(['--yes', '--format', 'sealed'])
    expect((await oss(['stat', 'oss://demo/plain', '--json'])).json()).toMatchObject({ sealed: true })
  })

  test('asks, and shows the key and the format before', async () => {
    const { code, stderr } = await migrate([], { stdin: typing('\n') })
    expect(stderr).toMatch(
      /migrate oss:\/\/demo\/: .* stay as they are, NOT encrypted, until you delete them\./,
    )
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/The key is RSA\/.*"new".*the format is aes-ctr\./),
    ])
  })

  test('--into leaves the source as it is', async () => {
    expect(await migrate(['--yes', '--into', 'oss://other'])).toMatchObject({ code: 0 })
    expect(await read('plain', 'other')).toBe('content of plain')
    expect(bucket().objects.get('plain')?.bytes).toEqual(Buffer.from('content of plain'))
  })

  test('reports what it encrypted', async () => {
    await migrate(['--yes', '--run', 'mine'])
    const rows = readFileSync(join(runs, 'mine', 'report', 'report.jsonl'), 'utf8')
    expect(JSON.parse(rows)).toMatchObject({ key: 'plain', outcome: 'migrated' })
  })
})
