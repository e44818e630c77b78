import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { TransportError } from '@oss-cse/crypto-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type KeyArguments, writeKeyFiles } from '../testing/key-files.ts'
import { MemoryServer, type Outcome, type RunOptions, run, temporaryDirectory } from '../testing/shell.ts'

const PART = 100 * 1024
const directory = temporaryDirectory()
const file = (name: string): string => join(directory.path, name)
const checkpoints = file('checkpoints')
const kept = (): string[] => readdirSync(checkpoints).filter((name) => name.endsWith('.json'))
/** Five parts. */
const plaintext = Buffer.from(Array.from({ length: 4 * PART + 77 }, (_, i) => (i * 5 + (i >> 7)) & 0xff))
const inParts = ['--part-size', '100KiB', '--multipart-threshold', '100kib', '--parallel', '1']

let server: MemoryServer
let keys: KeyArguments
const oss = (argv: readonly string[], options?: RunOptions) =>
  run(server, argv, { ...options, env: { OSS_CSE_CHECKPOINT_DIR: checkpoints, ...options?.env } })
const put = (more: readonly string[] = [], options?: RunOptions) =>
  oss(['put', file('plain'), 'oss://demo/big', ...inParts, ...keys.own, ...more], options)
const get = (more: readonly string[] = [], options?: RunOptions) =>
  oss(['get', 'oss://demo/big', file('out'), ...inParts, ...keys.own, ...more], options)
const count = (operation: string): number =>
  server.bucket('demo').requests.filter((request) => request.operation === operation).length

/** Lets `count` requests of an operation pass; the next one, and that only, meets `fate`. */
function after(count: number, operation: string, fate: () => void): void {
  let seen = 0
  server.bucket('demo').intercept = (request) => {
    if (request.operation === operation && seen++ === count) fate()
  }
}

function refusal(): never {
  throw new TransportError('ERR_CSE_ACCESS_DENIED', 'Refused.', { retryable: false })
}

/** Interrupts a command when it sends a request after the first `count`. */
function interruptedAfter(count: number, operation: string): RunOptions {
  const interrupt = new AbortController()
  after(count, operation, () => {
    interrupt.abort()
    interrupt.signal.throwIfAborted()
  })
  return { signal: interrupt.signal }
}

beforeAll(async () => {
  keys = await writeKeyFiles(directory.path)
})
afterAll(() => directory.remove())
beforeEach(() => {
  server = new MemoryServer()
  rmSync(checkpoints, { recursive: true, force: true })
  mkdirSync(checkpoints)
  writeFileSync(file('plain'), plaintext)
  rmSync(file('out'), { force: true })
})

describe('a large file', () => {
  test('is uploaded and downloaded in parts, and leaves no checkpoint', async () => {
    expect((await put()).stderr).toBe('Uploaded oss://demo/big (400 KiB, encrypted, checksum verified).\n')
    expect(count('uploadPart')).toBe(5)
    expect((await get()).stderr).toBe('Downloaded oss://demo/big (400 KiB, decrypted, checksum verified).\n')
    expect(count('get')).toBe(5)
    expect(readFileSync(file('out')).equals(plaintext)).toBe(true)
    expect(kept()).toEqual([])
  })

  test.each([
    ['put', () => put(), 'uploadPart', 'uploaded', 'sent'],
    ['get', () => get(), 'get', 'downloaded', 'fetched'],
  ] as const)(
    'after a failed %s, the command prints its progress, and the same command resumes',
    async (command, transfer, operation, done, before) => {
      if (command === 'get') await put()
      after(2, operation, refusal)
      const failed = await transfer()
      expect([failed.code, failed.stderr]).toEqual([
        5,
        'oss-cse: Refused. [ERR_CSE_ACCESS_DENIED]\n' +
          `oss-cse: Parts ${done}: 2 of 5. Run the same command again to resume.\n`,
      ])
      expect(kept()).toHaveLength(1)
      server.bucket('demo').intercept = undefined
      const countBefore = count(operation)
      const { code, stderr } = await transfer()
      expect(count(operation) - countBefore).toBe(3)
      expect([code, stderr]).toEqual([
        0,
        `2 of 5 parts were ${before} before.\n` +
          (command === 'put'
            ? 'Uploaded oss://demo/big (400 KiB, encrypted, checksum verified, 200 KiB resumed).\n'
            : 'Downloaded oss://demo/big (400 KiB, decrypted, checksum verified, 200 KiB resumed).\n'),
      ])
      expect((await oss(['cat', 'oss://demo/big', ...keys.own])).stdout.equals(plaintext)).toBe(true)
      expect(kept()).toEqual([])
    },
  )

  test.each([
    ['put', (more: readonly string[]): Promise<Outcome> => put(more), 'uploadPart'],
    ['get', (more: readonly string[]): Promise<Outcome> => get(more), 'get'],
  ] as const)(
    'that %s resumes is reported in the JSON, and not on stderr',
    async (command, transfer, operation) => {
      if (command === 'get') expect((await put(['--json'])).json()).toMatchObject({ resumedBytes: 0 })
      after(3, operation, refusal)
      await transfer([])
      server.bucket('demo').intercept = undefined
      const { json, stderr } = await transfer(['--json'])
      expect([json(), stderr]).toEqual([expect.objectContaining({ resumedBytes: 3 * PART }), ''])
    },
  )

  test('--quiet prints nothing about an earlier run', async () => {
    after(2, 'uploadPart', refusal)
    await put()
    server.bucket('demo').intercept = undefined
    expect(await put(['--quiet'])).toMatchObject({ code: 0, stderr: '' })
  })

  test('fails without a hint when no part was uploaded', async () => {
    after(0, 'uploadPart', refusal)
    expect((await put()).stderr).toBe('oss-cse: Refused. [ERR_CSE_ACCESS_DENIED]\n')
  })

  test('that changed is uploaded again, with a warning even with --quiet', async () => {
    after(2, 'uploadPart', refusal)
    await put()
    server.bucket('demo').intercept = undefined
    writeFileSync(
      file('plain'),
      plaintext.map((byte) => byte ^ 1),
    )
    const { code, stderr } = await put(['--quiet'])
    expect([code, stderr]).toEqual([0, expect.stringMatching(/^oss-cse: warning: .*changed.* restarts.*\n$/)])
    expect(count('abort')).toBe(1)
  })

  test('whose object was replaced is downloaded again, with a warning', async () => {
    await put()
    after(2, 'get', refusal)
    await get()
    server.bucket('demo').intercept = undefined
    const changed = plaintext.map((byte) => byte ^ 1)
    writeFileSync(file('plain'), changed)
    await put()
    expect((await get()).stderr).toMatch(/^oss-cse: warning: .*replaced.* restarts.*\nDownloaded /)
    expect(readFileSync(file('out')).equals(changed)).toBe(true)
  })

  test('with only a public key prints a warning, because the upload cannot resume', async () => {
    const argv = ['put', file('plain'), 'oss://demo/big', ...inParts, ...keys.ownPublic]
    expect((await oss(argv)).stderr).toMatch(/^oss-cse: warning: .*only a public key.*\nUploaded /)
    expect((await oss([...argv, '--no-resume'])).stderr).toMatch(/^Uploaded /)
  })
})

describe('an interrupt', () => {
  test('of a put prints its progress and how to resume', async () => {
    const { code, stderr } = await put([], interruptedAfter(3, 'uploadPart'))
    expect([code, stderr]).toEqual([
      130,
      'oss-cse: Interrupted. Parts uploaded: 3 of 5. Run the same command again to resume.\n',
    ])
  })

  test('of a get prints its progress and how to resume', async () => {
    await put()
    const { code, stderr } = await get([], interruptedAfter(3, 'get'))
    expect([code, stderr]).toEqual([
      130,
      'oss-cse: Interrupted. Parts downloaded: 3 of 5. Run the same command again to resume.\n',
    ])
  })

  test('before earlier parts are verified keeps them, and prints no number', async () => {
    after(3, 'uploadPart', refusal)
    await put()
    const { code, stderr } = await put([], interruptedAfter(0, 'listParts'))
    expect([code, stderr]).toEqual([130, 'oss-cse: Interrupted. Run the same command again to resume.\n'])
    expect(kept()).toHaveLength(1)
  })

  test('with --no-resume keeps nothing, locally or on the server, and says so', async () => {
    const { code, stderr } = await put(['--no-resume'], interruptedAfter(3, 'uploadPart'))
    expect([code, stderr]).toEqual([
      130,
      expect.stringMatching(/^oss-cse: Interrupted\. Nothing was kept \(--no-resume\)/),
    ])
    expect(await server.bucket('demo').listUploads({})).toEqual({ uploads: [] })
    expect(kept()).toEqual([])
  })

  test('with only a public key keeps nothing, locally or on the server, and says why', async () => {
    const argv = ['put', file('plain'), 'oss://demo/big', ...inParts, ...keys.ownPublic]
    const { code, stderr } = await oss(argv, interruptedAfter(3, 'uploadPart'))
    expect([code, stderr]).toEqual([
      130,
      expect.stringMatching(
        /\noss-cse: Interrupted\. Nothing was kept, because .*public key cannot resume\.\n$/,
      ),
    ])
    expect(await server.bucket('demo').listUploads({})).toEqual({ uploads: [] })
    expect(kept()).toEqual([])
  })

  test('ends a transfer that does not stop by itself', async () => {
    const interrupt = new AbortController()
    let letGo: () => void = () => {}
    const stuck = new Promise<void>((resolve) => {
      letGo = resolve
    })
    server.bucket('demo').intercept = ({ operation }) => {
      if (operation !== 'uploadPart') return undefined
      interrupt.abort()
      return stuck
    }
    expect((await put([], { signal: interrupt.signal })).code).toBe(130)
    letGo()
    // The transfer ends now, and still writes to the directory that the next test removes.
    await expect.poll(() => readdirSync(checkpoints).filter((name) => name.endsWith('.lock'))).toEqual([])
  })
})

describe('the options of large files', () => {
  test.each([
    ['--part-size', '10MB'],
    ['--part-size', '-1'],
    ['--multipart-threshold', '1.5GiB'],
    ['--parallel', 'many'],
    ['--parallel', '0'],
    ['--parallel', '101'],
    ['--checkpoint-dir', checkpoints, '--no-resume'],
  ])('%s %s is refused before any request, by put and get', async (...options) => {
    const argv = [...options, ...keys.own]
    expect((await oss(['put', file('plain'), 'oss://demo/a', ...argv])).code).toBe(2)
    expect((await oss(['get', 'oss://demo/a', file('out'), ...argv])).code).toBe(2)
    expect(server.bucket('demo').requests).toEqual([])
  })

  test('a part size that is not valid is refused before any request, and the nearest valid one is named', async () => {
    for (const argv of [
      ['put', file('plain'), 'oss://demo/a'],
      ['get', 'oss://demo/a', file('out')],
    ]) {
      const { code, stderr } = await oss([...argv, '--part-size', '150001', ...keys.own])
      expect([code, stderr]).toEqual([2, expect.stringContaining('the nearest is 150000')])
    }
    expect(server.bucket('demo').requests).toEqual([])
  })

  test.each([
    ['--part-size', '1MiB'],
    ['--multipart-threshold', '1MiB'],
    ['--parallel', '2'],
    ['--checkpoint-dir', checkpoints],
  ])('%s is refused for a transfer in one request: stdin, stdout, a range', async (option, value) => {
    const options = [option, value, ...keys.own]
    for (const argv of [
      ['put', '-', 'oss://demo/a'],
      ['get', 'oss://demo/a', '-'],
      ['get', 'oss://demo/a', '/dev/null'],
      ['get', 'oss://demo/a', file('out'), '--range', '0-9'],
    ]) {
      const { code, stderr } = await oss([...argv, ...options])
      expect([code, stderr]).toEqual([2, expect.stringContaining(option)])
    }
    expect(server.bucket('demo').requests).toEqual([])
  })

  test('--no-resume is accepted for a stream too', async () => {
    const argv = ['put', '-', 'oss://demo/a', '--no-resume', ...keys.own]
    expect((await oss(argv, { stdin: plaintext })).code).toBe(0)
    expect((await oss(['get', 'oss://demo/a', '-', '--no-resume', ...keys.own])).stdout).toEqual(plaintext)
  })

  test('--checkpoint-dir overrides OSS_CSE_CHECKPOINT_DIR', async () => {
    after(2, 'uploadPart', refusal)
    await put(['--checkpoint-dir', file('elsewhere')])
    expect([kept().length, readdirSync(file('elsewhere')).sort()]).toEqual([
      0,
      ['checkpoints.key', expect.stringMatching(/\.json$/)],
    ])
  })

  test('an unusable checkpoint directory exits 3 and names both remedies', async () => {
    const { code, stderr } = await put(['--checkpoint-dir', file('plain')])
    expect([code, stderr]).toEqual([
      3,
      expect.stringMatching(/\[ERR_CSE_CHECKPOINT\]\noss-cse: .*--checkpoint-dir.*--no-resume/),
    ])
  })
})
