import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { TransportError } from '@oss-cse/crypto-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type KeyArguments, writeKeyFiles } from '../testing/key-files.ts'
import { MemoryServer, type RunOptions, run, temporaryDirectory } from '../testing/shell.ts'

const directory = temporaryDirectory()
const file = (name: string): string => join(directory.path, name)
const plaintext = Buffer.from(Array.from({ length: 1000 }, (_, i) => (i * 5 + (i >> 3)) & 0xff))

let server: MemoryServer
let keys: KeyArguments
const oss = (argv: readonly string[], options?: RunOptions) => run(server, argv, options)

beforeAll(async () => {
  keys = await writeKeyFiles(directory.path)
  writeFileSync(file('plain'), plaintext)
})
afterAll(() => directory.remove())

beforeEach(async () => {
  server = new MemoryServer()
  await oss(['put', file('plain'), 'oss://demo/dir/a', ...keys.own])
  await server.bucket('demo').plant('plain', Buffer.from('readable'))
})

describe('stat and inspect', () => {
  test('stat shows size, envelope and metadata without a key', async () => {
    await oss(['put', file('plain'), 'oss://demo/b', '--meta', 'colour=red', ...keys.own])
    const { json } = await oss(['stat', 'oss://demo/b', '--json'])
    expect(json()).toMatchObject({
      bucket: 'demo',
      key: 'b',
      encrypted: true,
      sizeBytes: 1000,
      metadata: { colour: 'red' },
      envelope: { version: 2, cekAlgorithm: 'AES/CTR/NoPadding', unencryptedContentLength: 1000 },
    })
    expect(json()).not.toHaveProperty('headers')
    const { stdout } = await oss(['stat', 'oss://demo/b'])
    expect(stdout.toString()).toMatch(
      /size: +1000 bytes[\s\S]*RSA\/NONE\/PKCS1Padding[\s\S]*meta colour: +red/,
    )
    expect((await oss(['stat', 'oss://demo/plain', '--json'])).json()).toMatchObject({ encrypted: false })
    expect((await oss(['stat', 'oss://demo/none'])).code).toBe(4)
  })

  test('inspect shows the envelope of an object', async () => {
    expect((await oss(['inspect', 'oss://demo/dir/a', '--json'])).json()).toMatchObject({
      source: 'oss://demo/dir/a',
      encrypted: true,
      envelope: { wrapAlgorithm: 'RSA/NONE/PKCS1Padding' },
    })
    const { stdout } = await oss(['inspect', 'oss://demo/plain'])
    expect(stdout.toString()).toMatch(/encrypted: +no/)
  })

  test("control characters of an object's metadata do not reach the terminal", async () => {
    await server.bucket('demo').plant('x', Buffer.from('x'), { 'x-oss-meta-a': '\u001b[2J' })
    const { stdout } = await oss(['stat', 'oss://demo/x'])
    expect(stdout.toString()).toContain(String.raw`\x1b[2J`)
  })
})

describe('ls', () => {
  test('groups keys at the next slash, unless --recursive', async () => {
    const folded = (await oss(['ls', 'oss://demo'])).stdout.toString().split('\n')
    expect(folded.map((line) => line.trim().split(/ +/))).toEqual([
      ['oss://demo/dir/'],
      ['8', expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/), 'oss://demo/plain'],
      [''],
    ])
    const all = (await oss(['ls', 'oss://demo', '--recursive'])).stdout.toString()
    expect(all).toMatch(/ 1000 {2}.* oss:\/\/demo\/dir\/a\n.* 8 {2}.* oss:\/\/demo\/plain\n/)
    expect((await oss(['ls', 'oss://demo/dir/'])).stdout.toString()).toMatch(/oss:\/\/demo\/dir\/a\n$/)
  })

  test('--json is one object, even with many objects or none', async () => {
    const folded = await oss(['ls', 'oss://demo', '--json'])
    expect(folded.json()).toEqual({
      bucket: 'demo',
      prefix: '',
      recursive: false,
      objects: [expect.objectContaining({ key: 'plain', sizeBytes: 8 })],
      prefixes: ['dir/'],
    })
    for (let i = 0; i < 1100; i++) await server.bucket('many').plant(`k${i}`, new Uint8Array(1))
    expect((await oss(['ls', 'oss://many', '--json'])).json()['objects']).toHaveLength(1100)
    expect((await oss(['ls', 'oss://demo/none', '--json', '--recursive'])).json()).toEqual({
      bucket: 'demo',
      prefix: 'none',
      recursive: true,
      objects: [],
      prefixes: [],
    })
  })
})

describe('rm', () => {
  test('deletes several objects, of several buckets', async () => {
    await oss(['cp', 'oss://demo/dir/a', 'oss://demo/b'])
    await server.bucket('other').plant('c', new Uint8Array(1))
    const { code, json } = await oss(['rm', 'oss://demo/dir/a', 'oss://demo/b', 'oss://other/c', '--json'])
    expect(code).toBe(0)
    expect(json()).toEqual({
      deleted: ['oss://demo/dir/a', 'oss://demo/b', 'oss://other/c'],
      deletedCount: 3,
      existenceChecked: false,
    })
    expect([...server.bucket('demo').objects.keys(), ...server.bucket('other').objects.keys()]).toEqual([
      'plain',
    ])
  })

  test('claims existence only of listed objects, not of named ones', async () => {
    expect((await oss(['rm', 'oss://demo/none'])).stderr).toBe(
      'Deleted oss://demo/none, or it did not exist.\n',
    )
    expect((await oss(['rm', 'oss://demo/none', 'oss://demo/plain'])).stderr).toBe(
      'Deleted 2 objects, or they did not exist.\n',
    )
    const { json } = await oss(['rm', '--recursive', 'oss://demo/dir/', '--json'])
    expect(json()).toEqual({ deleted: ['oss://demo/dir/a'], deletedCount: 1, existenceChecked: true })
  })

  test('--recursive deletes every object with the prefix, a thousand per request', async () => {
    const bucket = server.bucket('demo')
    for (let i = 0; i < 1500; i++) await bucket.plant(`dir/${i}`, new Uint8Array(1))
    expect((await oss(['rm', '--recursive', 'oss://demo/dir/'])).stderr).toBe('Deleted 1501 objects.\n')
    expect([...bucket.objects.keys()]).toEqual(['plain'])
    expect(bucket.requests.filter(({ operation }) => operation === 'deleteMany')).toHaveLength(2)
  })

  test('a whole bucket needs a slash after its name', async () => {
    expect((await oss(['rm', '--recursive', 'oss://demo'])).code).toBe(2)
    expect((await oss(['rm', 'oss://demo/'])).code).toBe(2)
    expect(server.bucket('demo').objects.size).toBe(2)
    expect((await oss(['rm', '--recursive', 'oss://demo/'])).code).toBe(0)
    expect(server.bucket('demo').objects.size).toBe(0)
  })

  test('an object that the service did not delete exits 5', async () => {
    server.bucket('demo').deleteMany = async () => ['plain']
    const { code, stderr, json } = await oss(['rm', 'oss://demo/dir/a', 'oss://demo/plain', '--json'])
    expect([code, stderr]).toEqual([5, expect.stringContaining('oss://demo/dir/a')])
    expect(json()).toMatchObject({ deleted: ['oss://demo/plain'] })
  })
})

describe('cp and mb', () => {
  test('cp copies on the server, and the copy decrypts', async () => {
    const { json } = await oss(['cp', 'oss://demo/dir/a', 'oss://demo/copy', '--json'])
    expect(json()).toEqual({ source: 'oss://demo/dir/a', target: 'oss://demo/copy' })
    expect((await oss(['cat', 'oss://demo/copy', ...keys.own])).stdout.equals(plaintext)).toBe(true)
  })

  test.each([
    ['oss://demo/', 'oss://demo/a'],
    ['oss://other', 'oss://other/a'],
    ['oss://demo/new/', 'oss://demo/new/a'],
  ])('cp to %s keeps the name: %s', async (given, target) => {
    server.bucket('other').copy = async () => ({ status: 200, headers: {} })
    const { json } = await oss(['cp', 'oss://demo/dir/a', given, '--json'])
    expect(json()).toEqual({ source: 'oss://demo/dir/a', target })
  })

  test.each([
    ['oss://demo/dir/', 'oss://demo/new/'],
    ['oss://demo/dir/a', 'oss://demo/..'],
    ['oss://demo/dir/..', 'oss://demo/new/'],
  ])('cp of %s to %s exits 2: that is not a name', async (source, target) => {
    expect((await oss(['cp', source, target])).code).toBe(2)
  })

  test('cp names the other bucket', async () => {
    let asked: unknown
    server.bucket('other').copy = async (request) => {
      asked = request
      return { status: 200, headers: {} }
    }
    await oss(['cp', 'oss://demo/dir/a', 'oss://other/b'])
    expect(asked).toMatchObject({ sourceBucket: 'demo', sourceKey: 'dir/a', key: 'b' })
  })

  test('mb creates a bucket and refuses a key', async () => {
    expect((await oss(['mb', 'oss://fresh', '--json'])).json()).toEqual({ bucket: 'fresh' })
    // The service sends the same response whether or not the bucket existed.
    expect(await oss(['mb', 'oss://fresh/'])).toMatchObject({
      code: 0,
      stderr: 'Created the bucket fresh, or you already owned it.\n',
    })
    expect((await oss(['mb', 'oss://fresh/key'])).code).toBe(2)
    expect((await oss(['mb', 'oss://taken'])).code).toBe(5)
  })
})

describe('failures of the service', () => {
  test.each([
    ['ERR_CSE_ACCESS_DENIED', 403],
    ['ERR_CSE_SERVICE', 400],
    ['ERR_CSE_NETWORK', undefined],
  ] as const)('%s exits 5, with code and request id on one line', async (code, status) => {
    server.bucket('demo').intercept = () => {
      throw new TransportError(code, 'It failed.\nAnd more.', {
        retryable: false,
        ...(status !== undefined && { status, requestId: '5F0A' }),
      })
    }
    const failed = await oss(['stat', 'oss://demo/dir/a'])
    const request = status === undefined ? '' : ', request id 5F0A'
    expect(failed.code).toBe(5)
    expect(failed.stderr).toBe(`oss-cse: It failed.\\x0aAnd more. [${code}${request}]\n`)
  })
})
