import { appendFileSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { Readable, Writable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { encryptedFile } from '../testing/encrypted-file.ts'
import { endlessInput } from '../testing/shell.ts'

const { decrypt, directory, envelope, file, keys, oss, plaintext } = await encryptedFile()

describe('encrypt', () => {
  test('writes ciphertext of the same length, and an envelope with only lower-case headers', () => {
    expect(readFileSync(file('enc'))).toHaveLength(plaintext.length)
    expect(readFileSync(file('enc')).equals(plaintext)).toBe(false)
    expect(Object.keys(envelope())).toEqual([
      'x-oss-meta-client-side-encryption-key',
      'x-oss-meta-client-side-encryption-start',
      'x-oss-meta-client-side-encryption-cek-alg',
      'x-oss-meta-client-side-encryption-wrap-alg',
      'x-oss-meta-client-side-encryption-unencrypted-content-length',
    ])
  })

  test('reads stdin, writes stdout, and records the length of a stream too', async () => {
    const argv = ['encrypt', '-', '-o', '-', '--meta-out', file('meta.json'), ...keys.own]
    const { code, stdout } = await oss(argv, { stdin: plaintext })
    expect(code).toBe(0)
    expect(envelope()['x-oss-meta-client-side-encryption-unencrypted-content-length']).toBe('1000')
    writeFileSync(file('enc'), stdout)
    expect((await decrypt()).stdout.equals(plaintext)).toBe(true)
  })

  test('never uses a key twice', async () => {
    const first = readFileSync(file('enc'))
    await oss(['encrypt', file('plain'), '-o', file('enc'), '--meta-out', file('meta.json'), ...keys.own])
    expect(readFileSync(file('enc')).equals(first)).toBe(false)
  })

  test('needs only a public key', async () => {
    const argv = ['encrypt', file('plain'), '-o', file('enc'), '--meta-out', file('meta.json')]
    expect((await oss([...argv, ...keys.ownPublic])).code).toBe(0)
    expect((await decrypt()).stdout.equals(plaintext)).toBe(true)
  })

  test('an empty file becomes an empty ciphertext that decrypts', async () => {
    await oss(['encrypt', '-', '-o', file('enc'), '--meta-out', file('meta.json'), ...keys.own])
    expect(readFileSync(file('enc'))).toHaveLength(0)
    const { code, stdout } = await decrypt()
    expect([code, stdout.length]).toEqual([0, 0])
  })

  test('--json reports the result, without wrapped keys, on stderr when stdout carries bytes', async () => {
    const { stdout, stderr } = await oss([
      'encrypt',
      file('plain'),
      '-o',
      '-',
      '--meta-out',
      file('meta.json'),
      '--json',
      ...keys.own,
    ])
    expect(stdout).toHaveLength(1000)
    expect(JSON.parse(stderr)).toEqual({
      input: file('plain'),
      output: '-',
      metaFile: file('meta.json'),
      sizeBytes: 1000,
      sealed: false,
      envelope: {
        version: 2,
        cekAlgorithm: 'AES/CTR/NoPadding',
        wrapAlgorithm: 'RSA/NONE/PKCS1Padding',
        materialDescription: {},
        unencryptedContentLength: 1000,
      },
    })
  })

  test('a missing input exits 4 and writes nothing', async () => {
    const argv = ['encrypt', file('none'), '-o', file('new'), '--meta-out', file('new.json'), ...keys.own]
    expect((await oss(argv)).code).toBe(4)
    expect(readdirSync(directory).filter((name) => name.includes('new'))).toEqual([])
  })

  test.each([
    ['the same file twice', 'new', 'new'],
    ['a directory', '.', 'new'],
    ['a directory that does not exist', 'nowhere/new', 'new'],
    ['a directory for the envelope', 'new', '.'],
  ])('%s as output exits 2', async (_what, output, meta) => {
    const argv = ['encrypt', file('plain'), '-o', file(output), '--meta-out', file(meta), ...keys.own]
    expect((await oss(argv)).code).toBe(2)
  })

  test('a source that fails leaves the old files unchanged', async () => {
    const before = [readFileSync(file('enc')), readFileSync(file('meta.json'))]
    const broken = Readable.from(
      (async function* () {
        yield Buffer.alloc(500_000)
        throw new Error('the disk is gone')
      })(),
    )
    const argv = ['encrypt', '-', '-o', file('enc'), '--meta-out', file('meta.json'), ...keys.own]
    const { code, stderr } = await oss(argv, { stdin: broken })
    expect([code, stderr]).toEqual([1, expect.stringContaining('the disk is gone')])
    expect([readFileSync(file('enc')), readFileSync(file('meta.json'))]).toEqual(before)
    expect(readdirSync(directory).filter((name) => name.endsWith('.part'))).toEqual([])
  })

  test.each([[[]], [['--sealed']]])(
    'a file that somebody writes to meanwhile is not encrypted, with %j',
    async (more) => {
      writeFileSync(file('growing'), Buffer.alloc(3_000_000))
      const before = readdirSync(directory)
      const output = new Writable({
        write(_chunk, _encoding, done) {
          appendFileSync(file('growing'), 'x')
          done()
        },
      })
      const argv = ['encrypt', file('growing'), '-o', '-', '--meta-out', file('never.json')]
      const { code, stderr } = await oss([...argv, ...keys.own, ...more], { stdout: output })
      expect([code, stderr]).toEqual([1, expect.stringContaining('ERR_CSE_SOURCE_CHANGED')])
      expect(readdirSync(directory)).toEqual(before)
    },
  )

  test('a link is followed, not replaced', async () => {
    symlinkSync(file('enc'), file('link'))
    await oss(['encrypt', file('plain'), '-o', file('link'), '--meta-out', file('meta.json'), ...keys.own])
    expect((await decrypt()).stdout.equals(plaintext)).toBe(true)
  })
})

describe('an interrupt', () => {
  test.each(['encrypt', 'decrypt'])('ends %s that waits for stdin: exit 130, no file', async (command) => {
    const interrupt = new AbortController()
    const meta = command === 'encrypt' ? ['--meta-out', file('never.json')] : ['--meta', file('meta.json')]
    const stdin = endlessInput()
    const running = oss([command, '-', '-o', file('never'), ...meta, ...keys.own], {
      stdin,
      signal: interrupt.signal,
    })
    stdin.on('newListener', (event) => event === 'readable' && setImmediate(() => interrupt.abort()))
    const { code, stderr } = await running
    expect([code, stderr]).toEqual([130, 'oss-cse: Interrupted.\n'])
    expect(readdirSync(directory).filter((name) => name.includes('never'))).toEqual([])
  })
})
