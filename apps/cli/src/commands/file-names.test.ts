import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type KeyArguments, writeKeyFiles } from '../testing/key-files.ts'
import { MemoryServer, type RunOptions, run, temporaryDirectory } from '../testing/shell.ts'

const directory = temporaryDirectory()
const file = (name: string): string => join(directory.path, name)
const work = file('work')
const at = (name: string): string => join(work, name)

let server: MemoryServer
let keys: KeyArguments
const oss = (argv: readonly string[], options?: RunOptions) => run(server, [...argv, ...keys.own], options)
const stored = (): string[] => [...server.bucket('demo').objects.keys()]

beforeAll(async () => {
  keys = await writeKeyFiles(directory.path)
  writeFileSync(file('report.pdf'), 'content')
})
afterAll(() => directory.remove())

beforeEach(() => {
  rmSync(work, { recursive: true, force: true })
  mkdirSync(work)
  server = new MemoryServer()
})

describe('put to a directory', () => {
  test.each([
    ['oss://demo', 'report.pdf'],
    ['oss://demo/', 'report.pdf'],
    ['oss://demo/dir/', 'dir/report.pdf'],
  ])('adds the file’s name: %s', async (url, key) => {
    const { code, json } = await oss(['put', file('report.pdf'), url, '--json'])
    expect([code, stored(), json()]).toEqual([0, [key], expect.objectContaining({ bucket: 'demo', key })])
    const { stderr } = await oss(['put', file('report.pdf'), url])
    expect(stderr).toContain(`Uploaded oss://demo/${key} (`)
  })

  test.each([
    ['-', 'oss://demo'],
    ['-', 'oss://demo/dir/'],
    ['-', 'oss://demo/dir/..'],
    ['..', 'oss://demo/dir/'],
    ['report.pdf', 'oss://demo/..'],
    ['report.pdf', 'oss://demo/dir/.'],
  ])('of a source without a name exits 2 and stores nothing: %s %s', async (name, url) => {
    expect((await oss(['put', name, url])).code).toBe(2)
    expect(stored()).toEqual([])
  })
})

describe('get', () => {
  const get = (...argv: string[]) => oss(['get', ...argv])

  beforeEach(async () => {
    await oss(['put', file('report.pdf'), 'oss://demo/dir/a'])
  })

  test('into a directory keeps the last segment of the key, with or without a slash at the end', async () => {
    mkdirSync(at('there'))
    for (const target of [at('there'), `${at('there')}/`]) {
      const { code, json } = await get('oss://demo/dir/a', target, '--json')
      expect([code, json()['file']]).toEqual([0, at('there/a')])
      expect(readFileSync(at('there/a'), 'utf8')).toBe('content')
      rmSync(at('there/a'))
    }
  })

  test('creates a missing directory, and removes it again after a failure', async () => {
    expect((await get('oss://demo/none', `${at('new')}/inner/`)).code).toBe(4)
    expect(readdirSync(work)).toEqual([])
    expect((await get('oss://demo/dir/a', `${at('new')}/inner/`)).code).toBe(0)
    expect(readFileSync(at('new/inner/a'), 'utf8')).toBe('content')
  })

  test('into a file that is not a directory exits 2', async () => {
    writeFileSync(at('file'), 'old')
    expect((await get('oss://demo/dir/a', `${at('file')}/`)).code).toBe(2)
    expect(readFileSync(at('file'), 'utf8')).toBe('old')
  })

  test('replaces a named file, and replaces any other file only with --force', async () => {
    writeFileSync(at('a'), 'old')
    const requests = server.bucket('demo').requests.length
    const { code, stderr } = await get('oss://demo/dir/a', work)
    expect([code, stderr]).toEqual([2, expect.stringMatching(/a already exists\. .*--force/)])
    expect(server.bucket('demo').requests).toHaveLength(requests)
    expect(readFileSync(at('a'), 'utf8')).toBe('old')
    expect((await get('oss://demo/dir/a', work, '--force')).code).toBe(0)
    expect(readFileSync(at('a'), 'utf8')).toBe('content')
    writeFileSync(at('a'), 'old')
    expect((await get('oss://demo/dir/a', at('a'))).code).toBe(0)
    expect(readFileSync(at('a'), 'utf8')).toBe('content')
  })

  test('replaces neither a broken link nor a directory in place of the file', async () => {
    symlinkSync(at('nowhere'), at('a'))
    expect((await get('oss://demo/dir/a', work)).code).toBe(2)
    rmSync(at('a'))
    mkdirSync(at('a'))
    for (const force of [[], ['--force']])
      expect((await get('oss://demo/dir/a', work, ...force)).code).toBe(2)
    expect(existsSync(at('nowhere'))).toBe(false)
  })

  test.each(['oss://demo/dir/', 'oss://demo/a\0b', 'oss://demo/..', 'oss://demo/dir/.'])(
    'of %j into a directory exits 2 before any request',
    async (url) => {
      const requests = server.bucket('demo').requests.length
      expect((await get(url, work)).code).toBe(2)
      expect(server.bucket('demo').requests).toHaveLength(requests)
      expect(readdirSync(work)).toEqual([])
    },
  )

  test('of a directory’s own object works when a file is named', async () => {
    await server.bucket('demo').plant('dir/', new Uint8Array())
    expect((await get('oss://demo/dir/', at('marker'), '--on-plain-object', 'passthrough')).code).toBe(0)
    expect(readFileSync(at('marker'))).toHaveLength(0)
  })

  test('to an empty name, as from a variable that is not set, exits 2', async () => {
    expect((await get('oss://demo/dir/a', '')).code).toBe(2)
  })
})

describe('encrypt and decrypt', () => {
  test('write named files, and refuse directories', async () => {
    for (const output of [work, `${work}/`, `${at('new')}/`, '']) {
      const argv = ['encrypt', file('report.pdf'), '-o', output, '--meta-out', at('meta.json')]
      expect((await oss(argv)).code).toBe(2)
    }
    expect(readdirSync(work)).toEqual([])
  })
})
