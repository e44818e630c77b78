import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { afterAll, describe, expect, test } from 'vitest'
import { encryptedFile } from '../testing/encrypted-file.ts'
import type { RunOptions } from '../testing/shell.ts'

const { decrypt, directory, envelope, file, keys, oss, plaintext, writeMeta } = await encryptedFile()

describe('decrypt', () => {
  test('returns what was encrypted, to a file and to stdout, from a file and from stdin', async () => {
    expect((await decrypt()).stdout.equals(plaintext)).toBe(true)
    const { code } = await oss(
      ['decrypt', '-', '-o', file('out'), '--meta', file('meta.json'), ...keys.own],
      {
        stdin: readFileSync(file('enc')),
      },
    )
    expect(code).toBe(0)
    expect(readFileSync(file('out')).equals(plaintext)).toBe(true)
  })

  test.each([
    [['--range', '0-0'], 0, 1],
    [['--range', '1-31'], 1, 32],
    [['--range=16-47'], 16, 48],
    [['--range', '999-'], 999, 1000],
    [['--range', '333-9999'], 333, 1000],
    [['--range', '-100'], 900, 1000],
    [['--range=-100'], 900, 1000],
    [['--range', '-9999'], 0, 1000],
    [['--range', 'bytes=5-6'], 5, 7],
  ])('%j returns those bytes, of a file and of a stream', async (range, start, end) => {
    const wanted = plaintext.subarray(start, end)
    const ofFile = await decrypt(range)
    expect([ofFile.code, ofFile.stdout.equals(wanted)]).toEqual([0, true])
    const argv = ['decrypt', '-', '-o', '-', '--meta', file('meta.json'), ...range, ...keys.own]
    const ofStream = await oss(argv, { stdin: readFileSync(file('enc')) })
    expect([ofStream.code, ofStream.stdout.equals(wanted)]).toEqual([0, true])
  })

  test('any range of a file is the same slice of the whole', async () => {
    for (const start of [0, 1, 15, 16, 17, 500, 998, 999]) {
      for (const end of [start, start + 1, start + 16, 999]) {
        const { stdout } = await decrypt([`--range=${start}-${end}`])
        expect(stdout.equals(plaintext.subarray(start, end + 1))).toBe(true)
      }
    }
  })

  test('options can be before the arguments, even a range that begins with a hyphen', async () => {
    const argv = [
      'decrypt',
      '--range',
      '-1',
      ...keys.own,
      '--meta',
      file('meta.json'),
      '-o',
      '-',
      file('enc'),
    ]
    expect((await oss(argv)).stdout.equals(plaintext.subarray(999))).toBe(true)
  })

  test.each([['1000-'], ['5-4'], ['x'], ['-'], ['-0'], ['5']])('--range %s exits 2', async (range) => {
    const { code, stdout } = await decrypt(['--range', range])
    expect([code, stdout.length]).toEqual([2, 0])
  })

  test('a range after the end of a stream of unknown length exits 2, and so does a range of its last bytes', async () => {
    const { 'x-oss-meta-client-side-encryption-unencrypted-content-length': _length, ...headers } = envelope()
    writeMeta(headers)
    for (const range of ['1000-', '-5']) {
      const argv = [
        'decrypt',
        '-',
        '-o',
        file('never'),
        '--meta',
        file('meta.json'),
        `--range=${range}`,
        ...keys.own,
      ]
      expect((await oss(argv, { stdin: readFileSync(file('enc')) })).code).toBe(2)
    }
    expect(readdirSync(directory)).not.toContain('never')
  })

  test('no range of an empty file or stream can be satisfied, with or without a recorded length: exit 2', async () => {
    writeFileSync(file('plain'), '')
    await oss(['encrypt', file('plain'), '-o', file('enc'), '--meta-out', file('meta.json'), ...keys.own])
    const { 'x-oss-meta-client-side-encryption-unencrypted-content-length': _length, ...headers } = envelope()
    for (const meta of [envelope(), headers]) {
      writeMeta(meta)
      for (const input of [file('enc'), '-']) {
        for (const range of ['0-', '0-9', '-1', '5-', '9007199254740990-']) {
          const argv = [
            'decrypt',
            input,
            '-o',
            file('never'),
            '--meta',
            file('meta.json'),
            `--range=${range}`,
          ]
          expect((await oss([...argv, ...keys.own])).code, `${input} ${range}`).toBe(2)
        }
      }
    }
    expect(readdirSync(directory)).not.toContain('never')
  })

  test('header names are read in any case, and other headers are ignored', async () => {
    const upper = Object.entries(envelope()).map(([name, value]) => [name.toUpperCase(), value])
    writeMeta({
      ...Object.fromEntries(upper),
      ETag: '"x"',
      'Content-Length': 1000,
      'x-oss-meta-colour': 'red',
    })
    expect((await decrypt()).stdout.equals(plaintext)).toBe(true)
  })

  test('--json reports what was read and what was verified', async () => {
    const { stderr } = await decrypt(['--json', '--range', '10-19'])
    expect(JSON.parse(stderr)).toMatchObject({
      input: file('enc'),
      output: '-',
      sizeBytes: 10,
      totalBytes: 1000,
      contentRange: 'bytes 10-19/1000',
      verification: 'length',
      envelope: { version: 2 },
    })
    expect(stderr).not.toContain(envelope()['x-oss-meta-client-side-encryption-key'])
  })

  test('to a pipe prints nothing on stderr', async () => {
    expect((await decrypt()).stderr).toBe('')
  })
})

describe('decrypt refuses', () => {
  afterAll(() => expect(readdirSync(directory)).not.toContain('never'))
  const refused = (argv: readonly string[], options?: RunOptions) =>
    oss(['decrypt', file('enc'), '-o', file('never'), '--meta', file('meta.json'), ...argv], options)

  test('a wrong key: exit 6, no output file', async () => {
    const { code, stderr } = await refused(keys.other)
    expect([code, stderr]).toEqual([6, expect.stringContaining('ERR_CSE_UNWRAP_FAILED')])
  })

  test('a key with another description: exit 6, both named', async () => {
    writeMeta({ ...envelope(), 'x-oss-meta-client-side-encryption-matdesc': '{"key":"gone"}' })
    const { code, stderr } = await refused([...keys.own, '--matdesc', '{"key":"here"}'])
    expect(code).toBe(6)
    expect(stderr).toMatch(/gone.*here.*ERR_CSE_NO_MATCHING_KEY/)
  })

  test('only a public key: exit 6', async () => {
    const { code, stderr } = await refused(keys.ownPublic)
    expect([code, stderr]).toEqual([6, expect.stringContaining('ERR_CSE_CANNOT_UNWRAP')])
  })

  test('an envelope of a plain object: exit 6', async () => {
    writeMeta({ 'content-type': 'text/plain' })
    const { code, stderr } = await refused(keys.own)
    expect([code, stderr]).toEqual([6, expect.stringContaining('ERR_CSE_NOT_ENCRYPTED')])
  })

  test.each([
    ['a header missing', (h: Record<string, string>) => delete h['x-oss-meta-client-side-encryption-start']],
    [
      'another content algorithm',
      (h) => {
        h['x-oss-meta-client-side-encryption-cek-alg'] = 'AES/GCM/NoPadding'
      },
    ],
    [
      'another wrapped key',
      (h) => {
        h['x-oss-meta-client-side-encryption-key'] = Buffer.alloc(256, 1).toString('base64')
      },
    ],
    [
      'no base64',
      (h) => {
        h['x-oss-meta-client-side-encryption-key'] = '*'
      },
    ],
    [
      'another length',
      (h) => {
        h['x-oss-meta-client-side-encryption-unencrypted-content-length'] = '999'
      },
    ],
    [
      'a header twice',
      (h) => {
        h['X-OSS-Meta-Client-Side-Encryption-Key'] = 'x'
      },
    ],
    [
      'two lengths',
      (h) => {
        h['x-oss-meta-client-side-encryption-data-size'] = '5'
      },
    ],
  ] as [string, (h: Record<string, string>) => unknown][])('%s: exit 6', async (_what, change) => {
    const headers = envelope()
    change(headers)
    writeMeta(headers)
    expect((await refused(keys.own)).code).toBe(6)
  })

  test.each(['{', '[]', '"text"', '{"a":{"b":"c"}}', '{"a":null}'])(
    '%s as envelope: exit 6',
    async (text) => {
      writeMeta(text)
      expect((await refused(keys.own)).code).toBe(6)
    },
  )

  test.each([
    ['short', 999],
    ['long', 1001],
  ])('a ciphertext that is too %s: exit 6, from a file and from a stream', async (_what, length) => {
    const bytes = Buffer.concat([readFileSync(file('enc')), Buffer.alloc(1)]).subarray(0, length)
    const argv = ['decrypt', '-', '-o', file('never'), '--meta', file('meta.json'), ...keys.own]
    expect((await oss(argv, { stdin: bytes })).code).toBe(6)
    writeFileSync(file('enc'), bytes)
    expect((await refused(keys.own)).code).toBe(6)
  })

  test('missing files: exit 4', async () => {
    const options = ['-o', file('never'), ...keys.own]
    expect((await oss(['decrypt', file('none'), '--meta', file('meta.json'), ...options])).code).toBe(4)
    expect((await oss(['decrypt', file('enc'), '--meta', file('none'), ...options])).code).toBe(4)
  })

  test('a directory as input: exit 2', async () => {
    const argv = ['decrypt', directory, '-o', file('never'), '--meta', file('meta.json'), ...keys.own]
    expect((await oss(argv)).code).toBe(2)
  })
})
