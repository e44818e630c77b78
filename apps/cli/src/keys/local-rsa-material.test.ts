import { truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { TransportError } from '@oss-cse/crypto-core'
import { generateLocalRsaKeyFiles } from '@oss-cse/provider-rsa'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { MemoryServer, type RunOptions, run, temporaryDirectory } from '../testing/shell.ts'

const PASSPHRASE = 'open sesame'
const OAEP = 'RSA/NONE/OAEPWithSHA-1AndMGF1Padding'
const directory = temporaryDirectory()
const file = (name: string): string => join(directory.path, name)
let server: MemoryServer

beforeAll(async () => {
  writeFileSync(file('in'), 'hello')
  await generateLocalRsaKeyFiles({ directory: file('keys'), bits: 2048 })
  await generateLocalRsaKeyFiles({
    directory: file('keys'),
    prefix: 'locked',
    bits: 2048,
    passphrase: PASSPHRASE,
  })
})
afterAll(() => directory.remove())
beforeEach(() => {
  server = new MemoryServer()
})

const key = ['--local-rsa-dir', file('keys')]
const v1 = [...key, '--local-rsa-format', 'v1']
const oss = (argv: readonly string[], options?: RunOptions) => run(server, argv, options)
const put = (argv: readonly string[], source = file('in')) => oss(['put', source, 'oss://demo/a', ...argv])
const cat = async (argv: readonly string[]) => (await oss(['cat', 'oss://demo/a', ...argv])).stdout.toString()
const operations = () => server.bucket('demo').requests.map(({ operation }) => operation)

describe('keys of oss2 in files', () => {
  test('write V2 by default and V1 on request, and read both', async () => {
    for (const [format, expected] of [
      [[], { version: 2, wrapAlgorithm: OAEP }],
      [['--local-rsa-format', 'v2'], { version: 2, wrapAlgorithm: OAEP }],
      [['--local-rsa-format', 'v1'], { version: 1, wrapAlgorithm: 'rsa', cekAlgorithm: 'AES/GCM/NoPadding' }],
    ] as const) {
      expect((await put([...key, ...format])).code).toBe(0)
      expect((await oss(['stat', 'oss://demo/a', '--json'])).json()).toMatchObject({ envelope: expected })
      expect([await cat(key), await cat(v1)]).toEqual(['hello', 'hello'])
    }
  })

  test('are found by prefix, and decrypted with the passphrase of a variable', async () => {
    const locked = [...key, '--local-rsa-prefix', 'locked']
    const withPassphrase = [...locked, '--local-rsa-passphrase-env', 'P']
    const { code } = await oss(['put', file('in'), 'oss://demo/a', ...withPassphrase], {
      env: { P: PASSPHRASE },
    })
    expect(code).toBe(0)
    for (const [argv, P] of [
      [withPassphrase, 'wrong words'],
      [locked, undefined],
    ] as const) {
      const { code, stderr } = await oss(['cat', 'oss://demo/a', ...argv], { env: { P } })
      expect([code, stderr]).toEqual([3, expect.stringContaining('ERR_CSE_PASSPHRASE')])
      expect(stderr).not.toContain('wrong words')
    }
    expect((await put(locked)).stderr).toContain('--local-rsa-passphrase-env VAR')
  })

  test('encrypt and decrypt files too, in either format', async () => {
    for (const keys of [key, v1]) {
      await oss(['encrypt', file('in'), '-o', file('out'), '--meta-out', file('meta.json'), ...keys])
      const decrypt = [
        'decrypt',
        file('out'),
        '-o',
        '-',
        '--meta',
        file('meta.json'),
        '--range',
        '1-3',
        ...key,
      ]
      expect((await oss(decrypt)).stdout.toString()).toBe('ell')
    }
  })
})

describe('an object in the V1 format', () => {
  test('is shown with its real algorithm, and its wrapped key is not shown', async () => {
    await put(v1)
    const headers = server.bucket('demo').objects.get('a')?.headers ?? {}
    const wrapped = Object.values(headers).filter((value) => /^[\w+/]{300,}=*$/.test(value))
    expect(wrapped).toHaveLength(2)
    for (const command of ['stat', 'inspect']) {
      const text = (await oss([command, 'oss://demo/a'])).stdout.toString()
      expect(text).toContain('yes, on the client (envelope version 1)')
      expect(text).toMatch(/content: +AES\/CTR\/NoPadding \(the V1 format calls it AES\/GCM\/NoPadding\)/)
      expect(text).toMatch(/wrap algorithm: +rsa\n/)
      const json = (await oss([command, 'oss://demo/a', '--json'])).stdout.toString()
      for (const value of wrapped) expect(text + json).not.toContain(value)
    }
  })

  test('is uploaded in one request, even from a large file', async () => {
    const long = file('long')
    writeFileSync(long, Buffer.alloc(11 * 1024 * 1024, 'long'))
    expect((await put(v1, long)).code).toBe(0)
    expect(operations()).toEqual(['put'])
    expect((await cat(key)).length).toBe(11 * 1024 * 1024)
  })

  test('is read from the file again when the request fails', async () => {
    let failures = 1
    server.bucket('demo').intercept = () => {
      if (failures-- > 0) throw new TransportError('ERR_CSE_NETWORK', 'reset', { retryable: true })
    }
    expect((await put(v1)).code).toBe(0)
    expect(await cat(key)).toBe('hello')
  })

  test('can come from stdin', async () => {
    const { code } = await oss(['put', '-', 'oss://demo/a', ...v1], { stdin: Buffer.from('piped') })
    expect([code, await cat(key)]).toEqual([0, 'piped'])
  })

  test('of more than 5 GiB is refused before any request', async () => {
    const huge = file('huge')
    writeFileSync(huge, '')
    truncateSync(huge, 5 * 1024 ** 3 + 1)
    const { code, stderr } = await put(v1, huge)
    expect([code, stderr]).toEqual([2, expect.stringMatching(/5\.0 GiB.*one request.*--local-rsa-format v2/)])
    expect(operations()).toEqual([])
  })

  test.each([
    ['--part-size', '1MiB'],
    ['--multipart-threshold', '1MiB'],
    ['--parallel', '2'],
    ['--checkpoint-dir', 'x'],
  ])('takes no option of parts: %s', async (option, value) => {
    const { code, stderr } = await put([...v1, option, value])
    expect([code, stderr]).toEqual([2, expect.stringContaining(`Leave out ${option}.`)])
    expect(stderr).toContain('A file in the V1 format is transferred in one request')
    expect(operations()).toEqual([])
  })
})
