import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type KeyArguments, writeKeyFiles } from '../testing/key-files.ts'
import { MemoryServer, type RunOptions, run, temporaryDirectory } from '../testing/shell.ts'

const Z = 65_536
const directory = temporaryDirectory()
const file = (name: string): string => join(directory.path, name)
const plaintext = Buffer.from(Array.from({ length: 3 * Z }, (_, i) => (i * 5 + (i >> 9)) & 0xff))

let server: MemoryServer
let keys: KeyArguments
const oss = (argv: readonly string[], options?: RunOptions) => run(server, argv, options)
const verify = (...argv: readonly string[]) => oss(['verify', ...argv, ...keys.own])

beforeAll(async () => {
  keys = await writeKeyFiles(directory.path)
  writeFileSync(file('plain'), plaintext)
})
afterAll(() => directory.remove())

let commitment: string

beforeEach(async () => {
  server = new MemoryServer()
  const sealed = await oss(['put', file('plain'), 'oss://demo/dir/sealed', '--sealed', '--json', ...keys.own])
  commitment = String(sealed.json()['commitment'])
  await oss(['put', file('plain'), 'oss://demo/dir/ctr', ...keys.own])
})

/** Flips one stored bit, and stores the checksum of that, as somebody does who may write to the bucket. */
async function flip(key: string, at: number, keepChecksum = false): Promise<void> {
  const bucket = server.bucket('demo')
  const stored = bucket.objects.get(key)
  if (stored === undefined) throw new Error(`${key} is not stored`)
  const { bytes, headers, crc64 } = stored
  await bucket.plant(
    key,
    bytes.map((byte, i) => (i === at ? byte ^ 1 : byte)),
    headers,
  )
  const altered = bucket.objects.get(key)
  if (keepChecksum && altered) bucket.objects.set(key, { ...altered, crc64 })
}

describe('verify', () => {
  test('tells what was verified of each object, in one line, and writes nothing', async () => {
    const before = new Map(server.bucket('demo').objects)
    const { code, stdout, stderr } = await verify('oss://demo/dir/sealed', 'oss://demo/dir/ctr')
    expect(stdout.toString()).toBe(
      [
        'ok      oss://demo/dir/sealed (192 KiB, sealed, every byte verified)\n',
        'ok      oss://demo/dir/ctr (192 KiB, encrypted, checksum verified)\n',
      ].join(''),
    )
    expect([code, stderr]).toEqual([0, 'Verified 2 objects (384 KiB).\n'])
    expect(server.bucket('demo').objects).toEqual(before)
  })

  test('--json is one object with a list of them', async () => {
    const { code, json, stderr } = await verify('--recursive', 'oss://demo/dir/', '--json')
    expect([code, stderr]).toEqual([0, ''])
    expect(json()).toEqual({
      objects: [
        expect.objectContaining({
          bucket: 'demo',
          key: 'dir/ctr',
          encrypted: true,
          sizeBytes: 3 * Z,
          verification: 'crc64',
          sealed: false,
          envelope: expect.objectContaining({ version: 2 }),
          etag: expect.any(String),
        }),
        expect.objectContaining({ key: 'dir/sealed', verification: 'aead', sealed: true, commitment }),
      ],
      verifiedCount: 2,
      failedCount: 0,
    })
  })

  test('names the bytes that are not authentic, as text and as JSON, and goes through all objects: exit 6', async () => {
    await flip('dir/sealed', Z + 5)
    await oss(['cp', 'oss://demo/dir/ctr', 'oss://demo/dir/z'])
    const range = `${Z - 56}-${2 * Z - 73}`
    const text = await verify('--recursive', 'oss://demo/dir/')
    expect(text.stdout.toString().split('\n')).toEqual([
      expect.stringMatching(/^ok {6}oss:\/\/demo\/dir\/ctr /),
      expect.stringMatching(
        new RegExp(
          `^FAILED {2}oss://demo/dir/sealed: The bytes ${range} are not .* \\[ERR_CSE_AUTHENTICATION_FAILED\\]$`,
        ),
      ),
      expect.stringMatching(/^ok {6}oss:\/\/demo\/dir\/z /),
      '',
    ])
    expect([text.code, text.stderr]).toEqual([6, 'oss-cse: 1 of 3 objects could not be verified.\n'])
    const { code, json } = await verify('--recursive', 'oss://demo/dir/', '--json')
    expect(code).toBe(6)
    expect(json()).toMatchObject({
      objects: [
        { key: 'dir/ctr' },
        {
          bucket: 'demo',
          key: 'dir/sealed',
          error: {
            code: 'ERR_CSE_AUTHENTICATION_FAILED',
            byteRange: { start: Z - 56, end: 2 * Z - 73 },
            objectKey: 'dir/sealed',
          },
        },
        { key: 'dir/z' },
      ],
      verifiedCount: 2,
      failedCount: 1,
    })
  })

  test('a damaged object that is not sealed exits 6', async () => {
    await flip('dir/ctr', 5, true)
    const { code, stdout } = await verify('oss://demo/dir/ctr')
    expect([code, stdout.toString()]).toEqual([6, expect.stringContaining('ERR_CSE_INTEGRITY')])
  })

  test('an object that is missing exits 4, and one that is damaged too exits 6, in either order', async () => {
    expect((await verify('oss://demo/dir/ctr', 'oss://demo/none')).code).toBe(4)
    await flip('dir/sealed', 9)
    expect((await verify('oss://demo/none', 'oss://demo/dir/sealed')).code).toBe(6)
    expect((await verify('oss://demo/dir/sealed', 'oss://demo/none')).code).toBe(6)
  })

  test('without --recursive, a URL is one object, even if it ends with a slash', async () => {
    expect((await verify('oss://demo/dir/')).code).toBe(4)
    expect((await verify('oss://demo')).code).toBe(2)
    expect((await verify('oss://demo', '--recursive')).code).toBe(2)
    expect((await verify('oss://demo/', '--recursive')).code).toBe(0)
  })

  test('a prefix without any object exits 4: nothing was verified', async () => {
    const { code, stdout } = await verify('--recursive', 'oss://demo/dri/', 'oss://demo/dir/')
    expect(code).toBe(4)
    expect(stdout.toString()).toMatch(/^FAILED {2}oss:\/\/demo\/dri\/: No key begins with .*\nok.*\nok.*\n$/)
    const { json } = await verify('--recursive', 'oss://demo/dri/', '--json')
    expect(json()).toMatchObject({
      objects: [{ bucket: 'demo', key: 'dri/', error: { code: 'NOT_FOUND' } }],
      failedCount: 1,
    })
  })

  test('a prefix that cannot be listed is a failure of its own', async () => {
    server.bucket('broken').list = () => Promise.reject(new Error('the list is gone'))
    const { code, stdout } = await verify('--recursive', 'oss://broken/', 'oss://demo/')
    expect(code).toBe(1)
    expect(stdout.toString()).toMatch(/^FAILED {2}oss:\/\/broken\/: the list is gone\nok.*\nok.*\n$/)
  })

  test('a plain object is refused, unless --on-plain-object says otherwise: then it is called what it is', async () => {
    await server.bucket('demo').plant('dir/readable', Buffer.from('readable'))
    const refused = await verify('--recursive', 'oss://demo/dir/')
    expect([refused.code, refused.stdout.toString()]).toEqual([
      6,
      expect.stringMatching(/FAILED {2}oss:\/\/demo\/dir\/readable: .*ERR_CSE_NOT_ENCRYPTED/),
    ])
    const passed = await verify('oss://demo/dir/readable', '--on-plain-object', 'passthrough')
    expect([passed.code, passed.stdout.toString()]).toEqual([
      0,
      'ok      oss://demo/dir/readable (8 B, NOT encrypted, checksum verified)\n',
    ])
    const keyless = ['verify', 'oss://demo/dir/readable', 'oss://demo/dir/ctr']
    const { code, stdout } = await oss([...keyless, '--on-plain-object', 'passthrough'])
    expect([code, stdout.toString()]).toEqual([3, expect.stringMatching(/^ok .*\nFAILED .*No master key/)])
    expect((await oss(keyless)).code).toBe(3)
  })

  test('--accept sealed refuses every other object', async () => {
    const { code, stdout } = await verify('--recursive', 'oss://demo/dir/', '--accept', 'sealed')
    expect([code, stdout.toString()]).toEqual([
      6,
      expect.stringMatching(
        /^FAILED {2}oss:\/\/demo\/dir\/ctr: .*ERR_CSE_NOT_SEALED\]\nok {6}oss:\/\/demo\/dir\/sealed .*\n$/,
      ),
    ])
  })

  test('--expect-commitment and --context are those of the object', async () => {
    const sealed = 'oss://demo/dir/sealed'
    expect((await verify(sealed, '--expect-commitment', commitment)).code).toBe(0)
    expect((await verify(sealed, '--expect-commitment', 'A'.repeat(43))).code).toBe(6)
    expect((await verify(sealed, '--context', 'x')).code).toBe(6)
    await oss(['put', file('plain'), 'oss://demo/bound', '--sealed', '--context', 'x', ...keys.own])
    expect((await verify('oss://demo/bound', '--context', 'x')).code).toBe(0)
    expect((await verify('oss://demo/bound')).code).toBe(6)
  })

  test.each([
    ['several URLs', ['oss://demo/dir/sealed', 'oss://demo/dir/ctr']],
    ['a prefix', ['oss://demo/dir/', '--recursive']],
  ])('--expect-commitment with %s exits 2', async (_, argv) => {
    const { code, stdout, stderr } = await verify(...argv, '--expect-commitment', 'A'.repeat(43))
    expect([code, stdout.length, stderr]).toEqual([2, 0, expect.stringContaining('one object')])
  })

  test('--quiet prints only what failed', async () => {
    await flip('dir/sealed', 9)
    const { stdout } = await verify('--recursive', 'oss://demo/dir/', '--quiet')
    expect(stdout.toString()).toMatch(/^FAILED {2}oss:\/\/demo\/dir\/sealed: [^\n]*\n$/)
    const { stdout: nothing, stderr } = await verify('oss://demo/dir/ctr', '--quiet')
    expect([nothing.length, stderr]).toEqual([0, ''])
  })

  test('reads at most as many objects at the same time as --parallel says', async () => {
    for (let i = 0; i < 6; i++) await oss(['cp', 'oss://demo/dir/ctr', `oss://demo/many/${i}`])
    const bucket = server.bucket('demo')
    let open = 0
    let most = 0
    bucket.alterGet = (response) => {
      most = Math.max(most, ++open)
      async function* body(): AsyncGenerator<Uint8Array> {
        yield* response.body
        open--
      }
      return { ...response, body: body() }
    }
    expect((await verify('--recursive', 'oss://demo/many/', '--parallel', '2')).code).toBe(0)
    expect(most).toBe(2)
    expect((await verify('oss://demo/dir/ctr', '--parallel', '0')).code).toBe(2)
  })

  test('an interrupt ends it with exit code 130, and the JSON with what was verified so far', async () => {
    const interrupt = new AbortController()
    const bucket = server.bucket('demo')
    bucket.alterGet = (response, { key, signal }) => {
      if (key === 'dir/ctr') return response
      async function* body(): AsyncGenerator<Uint8Array> {
        setImmediate(() => interrupt.abort())
        await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
        yield new Uint8Array()
      }
      return { ...response, body: body() }
    }
    const argv = ['verify', '--recursive', 'oss://demo/dir/', '--json', ...keys.own]
    const { code, json } = await oss(argv, { signal: interrupt.signal })
    expect(code).toBe(130)
    expect(json()).toMatchObject({ objects: [{ key: 'dir/ctr' }], error: { code: 'INTERRUPTED' } })
  })

  test('a reader that closes the pipe ends it', async () => {
    const closed = new Writable({
      write(_chunk, _encoding, done) {
        done(Object.assign(new Error('closed'), { code: 'EPIPE' }))
      },
    })
    closed.on('error', () => {})
    const argv = ['verify', '--recursive', 'oss://demo/dir/', ...keys.own]
    expect((await oss(argv, { stdout: closed })).code).toBe(0)
  })
})
