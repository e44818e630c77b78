import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type KeyArguments, writeKeyFiles } from '../testing/key-files.ts'
import { endlessInput, MemoryServer, type RunOptions, run, temporaryDirectory } from '../testing/shell.ts'

const directory = temporaryDirectory()
const file = (name: string): string => join(directory.path, name)
const plaintext = Buffer.from(Array.from({ length: 1000 }, (_, i) => (i * 5 + (i >> 3)) & 0xff))

let server: MemoryServer
let keys: KeyArguments
const oss = (argv: readonly string[], options?: RunOptions) => run(server, argv, options)
const files = (): string[] => readdirSync(directory.path).filter((name) => /never|part/.test(name))

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

describe('put', () => {
  test('stores ciphertext, metadata and type, and reports the result', async () => {
    const argv = ['put', file('plain'), 'oss://demo/b', '--content-type', 'text/x', '--json', ...keys.own]
    const { code, json } = await oss([...argv, '--meta', 'a=1', 'b=2', '--meta', 'c=x=y'])
    expect(code).toBe(0)
    const stored = server.bucket('demo').objects.get('b')
    expect(Buffer.from(stored?.bytes ?? []).equals(plaintext)).toBe(false)
    expect(stored?.headers).toMatchObject({
      'content-type': 'text/x',
      'x-oss-meta-a': '1',
      'x-oss-meta-b': '2',
      'x-oss-meta-c': 'x=y',
      'x-oss-meta-client-side-encryption-unencrypted-content-length': '1000',
    })
    expect(json()).toEqual({
      bucket: 'demo',
      key: 'b',
      sizeBytes: 1000,
      resumedBytes: 0,
      etag: stored?.etag,
      crc64: String(stored?.crc64),
      verification: 'crc64',
      sealed: false,
    })
  })

  test('uploads stdin, of unknown length', async () => {
    expect((await oss(['put', '-', 'oss://demo/b', ...keys.own], { stdin: plaintext })).code).toBe(0)
    expect((await oss(['cat', 'oss://demo/b', ...keys.own])).stdout.equals(plaintext)).toBe(true)
  })

  test('prints one line for a person on stderr, unless --quiet', async () => {
    const argv = ['put', file('plain'), 'oss://demo/b', ...keys.own]
    const { stdout, stderr } = await oss(argv)
    expect([stdout.length, stderr]).toEqual([
      0,
      'Uploaded oss://demo/b (1.0 KiB, encrypted, checksum verified).\n',
    ])
    expect((await oss([...argv, '--quiet'])).stderr).toBe('')
  })

  test.each([
    ['no key', [], 3],
    ['metadata that is no pair', ['--meta', 'x', ...['--quiet']], 2],
    ['metadata given twice', ['--meta', 'a=1', '--meta', 'a=2'], 2],
    ['metadata of the envelope', ['--meta', 'client-side-encryption-key=x'], 2],
    ['too much metadata', ['--meta', `a=${'x'.repeat(9000)}`], 2],
  ])('%s is refused before any request', async (_what, options, exit) => {
    server = new MemoryServer()
    const given = exit === 3 ? options : [...options, ...keys.own]
    expect((await oss(['put', file('plain'), 'oss://demo/b', ...given])).code).toBe(exit)
    expect(server.bucket('demo').requests).toEqual([])
  })

  test('a missing file exits 4, a directory 2', async () => {
    expect((await oss(['put', file('none'), 'oss://demo/b', ...keys.own])).code).toBe(4)
    expect((await oss(['put', directory.path, 'oss://demo/b', ...keys.own])).code).toBe(2)
  })

  test('an interrupt ends an upload that waits for stdin: exit 130, nothing stored', async () => {
    const interrupt = new AbortController()
    const stdin = endlessInput()
    stdin.on('newListener', (event) => event === 'readable' && setImmediate(() => interrupt.abort()))
    const { code } = await oss(['put', '-', 'oss://demo/b', ...keys.own], { stdin, signal: interrupt.signal })
    expect(code).toBe(130)
    expect(server.bucket('demo').objects.has('b')).toBe(false)
  })
})

describe('get and cat', () => {
  test('return what was put, to a file and to stdout', async () => {
    expect((await oss(['get', 'oss://demo/dir/a', file('out'), ...keys.own])).code).toBe(0)
    expect(readFileSync(file('out')).equals(plaintext)).toBe(true)
    for (const argv of [
      ['get', 'oss://demo/dir/a', '-'],
      ['cat', 'oss://demo/dir/a'],
    ]) {
      const { stdout, stderr } = await oss([...argv, ...keys.own])
      expect([stdout.equals(plaintext), stderr]).toEqual([true, ''])
    }
  })

  test.each([
    [['--range', '10-19'], 10, 20],
    [['--range', '990-'], 990, 1000],
    [['--range', '-100'], 900, 1000],
    [['--range=-100'], 900, 1000],
  ])('%j returns those bytes, at any position of the option', async (range, start, end) => {
    const wanted = plaintext.subarray(start, end)
    for (const argv of [
      ['cat', 'oss://demo/dir/a', ...range],
      ['cat', ...range, 'oss://demo/dir/a'],
    ]) {
      expect((await oss([...argv, ...keys.own])).stdout.equals(wanted)).toBe(true)
    }
  })

  test('--json describes the object on stdout, and on stderr when stdout carries the bytes', async () => {
    const described = {
      bucket: 'demo',
      key: 'dir/a',
      encrypted: true,
      sizeBytes: 10,
      totalBytes: 1000,
      contentRange: 'bytes 5-14/1000',
      verification: 'length',
      envelope: { version: 2, wrapAlgorithm: 'RSA/NONE/PKCS1Padding' },
      metadata: {},
    }
    const options = ['--range', '5-14', '--json', ...keys.own]
    const toFile = await oss(['get', 'oss://demo/dir/a', file('out'), ...options])
    expect(toFile.json()).toMatchObject({ ...described, file: file('out') })
    const toStdout = await oss(['cat', 'oss://demo/dir/a', ...options])
    expect(toStdout.stdout).toHaveLength(10)
    expect(JSON.parse(toStdout.stderr)).toMatchObject({ ...described, file: '-' })
    expect(toStdout.stderr).not.toContain('encryption-key')
  })

  test.each([
    ['1000-', 2],
    ['9-1', 2],
    ['x', 2],
    ['-0', 2],
  ])('--range %s exits %i and leaves no file', async (range, exit) => {
    expect((await oss(['get', 'oss://demo/dir/a', file('never'), '--range', range, ...keys.own])).code).toBe(
      exit,
    )
    expect(files()).toEqual([])
  })

  test('a missing object exits 4, a wrong key 6, and neither leaves a file', async () => {
    expect((await oss(['get', 'oss://demo/none', file('never'), ...keys.own])).code).toBe(4)
    expect((await oss(['get', 'oss://demo/dir/a', file('never'), ...keys.other])).code).toBe(6)
    expect(files()).toEqual([])
  })

  test('changed bytes exit 6 and leave the old file unchanged', async () => {
    writeFileSync(file('old'), 'old')
    server.bucket('demo').alterGet = (response) => ({
      ...response,
      body: (async function* () {
        for await (const chunk of response.body) yield chunk.map((byte) => byte ^ 1)
      })(),
    })
    const { code, stderr } = await oss(['get', 'oss://demo/dir/a', file('old'), ...keys.own])
    expect([code, stderr]).toEqual([6, expect.stringContaining('ERR_CSE_INTEGRITY')])
    expect(readFileSync(file('old'), 'utf8')).toBe('old')
    expect(files()).toEqual([])
  })

  test('a plain object exits 6, and is read only with passthrough', async () => {
    expect((await oss(['cat', 'oss://demo/plain', ...keys.own])).code).toBe(6)
    const { code, stdout } = await oss([
      'cat',
      'oss://demo/plain',
      '--on-plain-object',
      'passthrough',
      ...keys.own,
    ])
    expect([code, stdout.toString()]).toEqual([0, 'readable'])
    expect((await oss(['cat', 'oss://demo/plain', '--on-plain-object', 'maybe', ...keys.own])).code).toBe(2)
  })

  test('without keys exit 3, except for a plain object with passthrough', async () => {
    const passthrough = ['--on-plain-object', 'passthrough']
    expect((await oss(['cat', 'oss://demo/dir/a'])).code).toBe(3)
    expect((await oss(['cat', 'oss://demo/plain', ...passthrough])).stdout.toString()).toBe('readable')
    const { code, stderr } = await oss(['cat', 'oss://demo/dir/a', ...passthrough])
    expect([code, stderr]).toEqual([3, expect.stringContaining('--keyring')])
  })

  test('a device is written to and not replaced', async () => {
    const before = statSync('/dev/null').ino
    expect((await oss(['get', 'oss://demo/dir/a', '/dev/null', ...keys.own])).code).toBe(0)
    expect(statSync('/dev/null').ino).toBe(before)
  })

  test('a reader that closes the pipe ends it without an error', async () => {
    const stdout = new Writable({
      write: (_chunk, _encoding, done) => done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })),
    })
    stdout.on('error', () => {})
    const { code, stderr } = await oss(['cat', 'oss://demo/dir/a', ...keys.own], { stdout })
    expect([code, stderr]).toEqual([0, ''])
  })

  test('an interrupt while the reader is slow exits 130', async () => {
    const interrupt = new AbortController()
    const stdout = new Writable({ write: () => void setImmediate(() => interrupt.abort()) })
    const { code } = await oss(['cat', 'oss://demo/dir/a', ...keys.own], { stdout, signal: interrupt.signal })
    expect(code).toBe(130)
  })

  test('an interrupted download leaves no file', async () => {
    const interrupt = new AbortController()
    server.bucket('demo').alterGet = (response) => ({
      ...response,
      body: (async function* () {
        interrupt.abort()
        yield* response.body
      })(),
    })
    const argv = ['get', 'oss://demo/dir/a', file('never'), ...keys.own]
    expect((await oss(argv, { signal: interrupt.signal })).code).toBe(130)
    expect(files()).toEqual([])
  })
})
