import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { TransportError } from '@oss-cse/crypto-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type KeyArguments, writeKeyFiles } from '../testing/key-files.ts'
import { MemoryServer, type Outcome, type RunOptions, run, temporaryDirectory } from '../testing/shell.ts'

const directory = temporaryDirectory()
const file = (name: string): string => join(directory.path, name)
let keys: KeyArguments
let server: MemoryServer
const oss = (argv: readonly string[], options?: RunOptions) => run(server, [...argv, '--json'], options)

beforeAll(async () => {
  keys = await writeKeyFiles(directory.path)
  writeFileSync(file('plain'), 'hello')
})
afterAll(() => directory.remove())
beforeEach(() => {
  server = new MemoryServer()
})

/** The one JSON document that stdout holds, or stderr where stdout would carry bytes. */
function told({ stdout, stderr }: Outcome, where: 'stdout' | 'stderr'): Record<string, unknown> {
  const text = where === 'stdout' ? stdout.toString() : stderr
  expect(text).toMatch(/^\{.*\}\n$/)
  if (where === 'stderr') expect(stdout).toHaveLength(0)
  return JSON.parse(text)
}

function refuse(code: 'ERR_CSE_ACCESS_DENIED' | 'ERR_CSE_NETWORK' = 'ERR_CSE_ACCESS_DENIED'): never {
  throw new TransportError(code, 'Refused.', {
    retryable: false,
    objectKey: 'dir/a',
    ...(code === 'ERR_CSE_ACCESS_DENIED' && { status: 403, requestId: '5F0A', ec: '0003-00000001' }),
  })
}

describe('--json of a failure', () => {
  test('has the code, the message and the details of the service; absent values are left out', async () => {
    server.bucket('demo').intercept = () => refuse()
    const denied = await oss(['stat', 'oss://demo/dir/a'])
    expect([denied.code, told(denied, 'stdout')]).toEqual([
      5,
      {
        error: {
          code: 'ERR_CSE_ACCESS_DENIED',
          message: 'Refused.',
          objectKey: 'dir/a',
          status: 403,
          requestId: '5F0A',
          ec: '0003-00000001',
        },
      },
    ])
    expect(denied.stderr).toBe('oss-cse: Refused. [ERR_CSE_ACCESS_DENIED, request id 5F0A]\n')
    server.bucket('demo').intercept = () => refuse('ERR_CSE_NETWORK')
    expect(told(await oss(['stat', 'oss://demo/dir/a']), 'stdout')).toEqual({
      error: { code: 'ERR_CSE_NETWORK', message: 'Refused.', objectKey: 'dir/a' },
    })
  })

  test.each([
    ['keygen'],
    ['put'],
    ['get'],
    ['stat'],
    ['ls'],
    ['rm'],
    ['cp'],
    ['mb'],
    ['uploads', 'ls'],
    ['uploads', 'abort'],
    ['encrypt'],
    ['decrypt'],
    ['inspect'],
    ['emulator'],
    ['demo'],
    ['frobnicate'],
  ])('is one document on stdout for wrong arguments of %s %s', async (...command) => {
    const outcome = await oss([...command, '--frobnicate'])
    expect([outcome.code, told(outcome, 'stdout')]).toEqual([
      2,
      { error: { code: 'USAGE', message: expect.stringMatching(/^[A-Z].*\.$/) } },
    ])
    expect(outcome.stderr).toMatch(/^oss-cse: \S/)
  })

  test.each<[readonly string[]]>([
    [['cat']],
    [['cat', 'oss://demo']],
    [['get', 'oss://demo/none', '-']],
    [['encrypt', 'in', '-o', '-']],
    [['encrypt', 'in', '--output', '-', '--meta-out', 'm', '--part-size', '1']],
    [['decrypt', 'in', '--output=-']],
    [['decrypt', 'in', '-o-', '--meta', file('none')]],
  ])('is the only output on stderr when stdout would carry bytes: %j', async (argv) => {
    const { error } = told(await oss(argv), 'stderr') as { error: { code: string } }
    expect(error.code).toMatch(/^USAGE|^CONFIGURATION|^NOT_FOUND/)
  })

  test.each<[string, () => readonly string[], number, string, RunOptions?]>([
    ['no key', () => ['put', file('plain'), 'oss://demo/a'], 3, 'CONFIGURATION'],
    ['a local file', () => ['put', file('none'), 'oss://demo/a', ...keys.own], 4, 'NOT_FOUND'],
    ['an object', () => ['get', 'oss://demo/none', file('out'), ...keys.own], 4, 'ERR_CSE_NOT_FOUND'],
    [
      'a key file',
      () => ['put', file('plain'), 'oss://demo/a', '--rsa-private-key', file('plain')],
      3,
      'ERR_CSE_INVALID_KEY',
    ],
    ['an address', () => ['stat', 'demo/a'], 2, 'USAGE'],
    ['a name', () => ['stat', 'oss://demo/\uFFFD'], 2, 'USAGE'],
    [
      'a range',
      () => ['get', 'oss://demo/a', file('out'), '--range', 'x', ...keys.own],
      2,
      'ERR_CSE_INVALID_ARGUMENT',
    ],
    [
      'a variable',
      () => ['put', file('plain'), 'oss://demo/a', ...keys.own],
      3,
      'CONFIGURATION',
      { env: { OSS_ENDPOINT: 'localhost:1' } },
    ],
  ])('says what is wrong with %s', async (_what, argv, exit, code, options) => {
    const outcome = await oss(argv(), options)
    expect([outcome.code, told(outcome, 'stdout')]).toEqual([
      exit,
      { error: expect.objectContaining({ code, message: expect.stringMatching(/\w/) }) },
    ])
  })

  test('has the hint in its message', async () => {
    const argv = ['put', file('plain'), 'oss://demo/a', ...keys.own, '--multipart-threshold', '1']
    const outcome = await oss([...argv, '--checkpoint-dir', file('plain')])
    expect(told(outcome, 'stdout')).toEqual({
      error: {
        code: 'ERR_CSE_CHECKPOINT',
        objectKey: 'a',
        message: expect.stringMatching(/cannot be used.*--checkpoint-dir.*--no-resume/),
      },
    })
  })

  test('reports an interrupt too', async () => {
    const interrupt = new AbortController()
    server.bucket('demo').intercept = () => {
      interrupt.abort()
      interrupt.signal.throwIfAborted()
    }
    const outcome = await oss(['stat', 'oss://demo/a'], { signal: interrupt.signal })
    expect([outcome.code, told(outcome, 'stdout')]).toEqual([
      130,
      { error: { code: 'INTERRUPTED', message: 'Interrupted.' } },
    ])
  })

  test('is not printed after a result whose write was interrupted', async () => {
    await server.bucket('demo').plant('a', new Uint8Array(1))
    const interrupt = new AbortController()
    const chunks: string[] = []
    const stdout = new Writable({
      // It accepts the bytes, but never calls back.
      write: (chunk: Buffer) => {
        chunks.push(chunk.toString())
        interrupt.abort()
      },
    })
    const { code } = await oss(['stat', 'oss://demo/a'], { stdout, signal: interrupt.signal })
    expect([code, JSON.parse(chunks.join(''))]).toEqual([130, expect.objectContaining({ key: 'a' })])
  })

  test('is not requested by an argument after --', async () => {
    const { stdout } = await run(server, ['stat', '--', '--json'])
    expect(stdout).toHaveLength(0)
  })
})

describe('a list that cannot be completed', () => {
  beforeEach(async () => {
    for (let i = 0; i < 1500; i++) await server.bucket('demo').plant(`k${i}`, new Uint8Array(1))
  })

  /** Lets one request of the kind pass, and refuses the next. */
  function refuseSecond(operation: string, refusal: () => void = refuse): void {
    let seen = 0
    server.bucket('demo').intercept = (request) => {
      if (request.operation === operation && seen++ === 1) refusal()
    }
  }

  test.each([
    ['ls', ['ls', 'oss://demo'], 'list', 'objects'],
    ['rm', ['rm', '--recursive', 'oss://demo/'], 'deleteMany', 'deleted'],
  ])(
    'of %s is one document with the results so far and the error',
    async (_command, argv, operation, list) => {
      refuseSecond(operation)
      const outcome = await oss(argv)
      expect(outcome.code).toBe(5)
      expect(told(outcome, 'stdout')).toMatchObject({
        [list]: expect.arrayContaining([expect.anything()]),
        error: { code: 'ERR_CSE_ACCESS_DENIED', status: 403 },
      })
      expect(outcome.json()[list]).toHaveLength(1000)
      expect(outcome.stderr).toMatch(/^oss-cse: Refused\. .*\n$/)
    },
  )

  test('of an interrupt is one document too', async () => {
    const interrupt = new AbortController()
    refuseSecond('list', () => interrupt.abort())
    const outcome = await oss(['ls', 'oss://demo'], { signal: interrupt.signal })
    expect([outcome.code, told(outcome, 'stdout')]).toEqual([
      130,
      expect.objectContaining({ error: { code: 'INTERRUPTED', message: 'Interrupted.' } }),
    ])
  })

  test('without any entry is only the error', async () => {
    server.bucket('demo').intercept = () => refuse()
    expect(Object.keys(told(await oss(['ls', 'oss://demo']), 'stdout'))).toEqual(['error'])
  })
})
