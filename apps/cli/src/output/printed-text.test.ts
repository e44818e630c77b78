import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { TransportError } from '@oss-cse/crypto-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { MemoryServer, type Outcome, run, temporaryDirectory, testKeyPairs } from '../testing/shell.ts'

/** Moves a cursor, in 7 and in 8 bits; ends a line; deletes; turns the writing direction. */
const HOSTILE = 'a\x1b[2J\x9b2J\r\x7f\x85\u202e\u2028b'
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be printed
const RAW = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/

const directory = temporaryDirectory()
afterAll(directory.remove)
const file = (name: string) => join(directory.path, name)
let server: MemoryServer

beforeAll(async () => {
  const [pair] = await testKeyPairs()
  writeFileSync(file('key.pem'), pair?.privateKey ?? '')
  writeFileSync(file('in'), 'x')
})
beforeEach(() => {
  server = new MemoryServer()
})

const key = () => ['--rsa-private-key', file('key.pem')]
const url = `oss://demo/${HOSTILE}`

/** Runs a command for a person and for a program, and checks all that is printed. */
async function printed(argv: readonly string[]): Promise<{ plain: Outcome; json: Outcome }> {
  const plain = await run(server, argv)
  const json = await run(server, [...argv, '--json'])
  for (const { stdout, stderr } of [plain, json]) {
    expect(stdout.toString()).not.toMatch(RAW)
    expect(stderr).not.toMatch(RAW)
  }
  return { plain, json }
}

describe('a key with control characters', () => {
  test.each([
    ['put', () => ['put', file('in'), url, ...key()]],
    ['get', () => ['get', url, file('out'), ...key()]],
    ['verify', () => ['verify', url, ...key()]],
    ['verify --recursive', () => ['verify', 'oss://demo/', '--recursive', ...key()]],
    ['stat', () => ['stat', url]],
    ['ls', () => ['ls', 'oss://demo']],
    ['ls --recursive', () => ['ls', 'oss://demo', '--recursive']],
    ['cp', () => ['cp', url, `${url}2`]],
    ['rm', () => ['rm', url]],
    ['uploads abort', () => ['uploads', 'abort', url, HOSTILE]],
  ] as const)('is escaped by %s, and unchanged in the JSON', async (_name, argv) => {
    await run(server, ['put', file('in'), url, ...key()])
    const { plain, json } = await printed(argv())
    expect([plain.code, json.code]).toEqual([0, 0])
    expect(JSON.stringify(json.json())).toContain(JSON.stringify(HOSTILE).slice(1, -1))
  })

  test('is escaped when it cannot be verified, and unchanged in the JSON', async () => {
    await server.bucket('demo').plant(HOSTILE, new Uint8Array(9), {})
    for (const argv of [
      ['verify', url],
      ['verify', 'oss://demo/', '--recursive'],
    ]) {
      const { plain, json } = await printed([...argv, ...key()])
      expect([plain.code, json.code]).toEqual([6, 6])
      expect(json.json()).toMatchObject({ objects: [{ key: HOSTILE, error: { objectKey: HOSTILE } }] })
    }
  })

  test('is escaped when the object does not exist, and unchanged in the JSON', async () => {
    const { plain, json } = await printed(['get', url, '-', ...key()])
    expect([plain.code, json.code]).not.toContain(0)
    expect(JSON.parse(json.stderr).error).toMatchObject({ objectKey: HOSTILE })
  })
})

test('the message of a service is escaped', async () => {
  const transport = server.bucket('demo')
  transport.intercept = async () => {
    throw new TransportError('ERR_CSE_SERVICE', `refused: ${HOSTILE}`, {
      status: 400,
      serviceCode: HOSTILE,
      requestId: HOSTILE,
      ec: HOSTILE,
      retryable: false,
    })
  }
  for (const argv of [
    ['stat', url],
    ['ls', 'oss://demo'],
    ['put', file('in'), url, ...key()],
  ]) {
    const { plain } = await printed(argv)
    expect(plain.stderr).toContain(String.raw`\x1b[2J\x9b2J\x0d\x7f\x85\u{202e}\u{2028}b`)
  }
})

test.each([
  ['an option', [`--${HOSTILE}`]],
  ['a command', [HOSTILE]],
  ['a key file', ['put', 'in', 'oss://demo/a', '--rsa-private-key', HOSTILE]],
  ['a keyring', ['put', 'in', 'oss://demo/a', '--keyring', HOSTILE]],
  ['a part size', ['put', 'in', 'oss://demo/a', '--part-size', HOSTILE]],
  ['an address', ['ls', HOSTILE]],
])('%s with control characters is escaped in the error', async (_name, argv) => {
  const { plain } = await printed(argv)
  expect(plain.code).not.toBe(0)
  expect(plain.stderr).toMatch(/\\(?:x|u00)1b\[2J/)
})

test('a stack is escaped line by line', async () => {
  server.bucket('demo').intercept = async () => {
    throw new TransportError('ERR_CSE_SERVICE', 'no', { retryable: false, cause: new Error(HOSTILE) })
  }
  const { stderr } = await run(server, ['stat', url], { env: { OSS_CSE_DEBUG: '1' } })
  expect(stderr).toMatch(/\n {4}at /)
  expect(stderr).toContain('caused by')
  expect(stderr).not.toMatch(RAW)
})
