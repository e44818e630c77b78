import { existsSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { isAbsolute, join, relative } from 'node:path'
import { Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { openQueue } from '../fleet/open-queue.ts'
import { runCli } from '../program/run-cli.ts'
import { openTransport } from '../server/open-transport.ts'
import { endlessInput, MemoryServer, run, temporaryDirectory } from '../testing/shell.ts'

const directory = temporaryDirectory()
afterAll(() => directory.remove())

/** Runs the emulator until it has printed something, and lets `use` work with it. */
async function emulator(
  argv: readonly string[],
  env: Record<string, string> = {},
  use: (text: string) => Promise<void> = async () => {},
): Promise<{ code: number; text: string }> {
  const interrupt = new AbortController()
  let text = ''
  let used: Promise<void> | undefined
  const stdout = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString()
      done()
      used = use(text).finally(() => interrupt.abort())
    },
  })
  const stderr = new Writable({ write: (_chunk, _encoding, done) => done() })
  const code = await runCli(['emulator', ...argv], {
    stdin: endlessInput(),
    stdout,
    stderr,
    env,
    signal: interrupt.signal,
    openTransport,
    openJobQueue: openQueue,
  })
  await used
  return { code, text }
}

describe('emulator --kms', () => {
  test('--json prints the endpoint of KMS and its key, and both emulators accept the same access key', async () => {
    const seen: unknown[] = []
    const { code, text } = await emulator(
      ['--json', '--kms', '--region', 'oss-cn-beijing'],
      {},
      async (line) => {
        const { endpoint, accessKeyId, accessKeySecret, region, kmsEndpoint, kmsKeyId } = JSON.parse(line)
        const server = Object.assign(new MemoryServer(), { open: openTransport })
        const env = {
          OSS_ENDPOINT: endpoint,
          OSS_REGION: region,
          OSS_ACCESS_KEY_ID: accessKeyId,
          OSS_ACCESS_KEY_SECRET: accessKeySecret,
          OSS_CSE_KMS_ENDPOINT: kmsEndpoint,
        }
        const key = ['--kms-key-id', kmsKeyId]
        const put = await run(server, ['put', '-', 'oss://demo/a', ...key], {
          env,
          stdin: Buffer.from('hello'),
        })
        const cat = await run(server, ['cat', 'oss://demo/a', ...key], { env })
        seen.push(put.code, cat.code, cat.stdout.toString())
      },
    )
    expect([code, seen]).toEqual([0, [0, 0, 'hello']])
    expect(JSON.parse(text)).toEqual({
      endpoint: expect.any(String),
      accessKeyId: expect.any(String),
      accessKeySecret: expect.any(String),
      region: 'cn-beijing',
      buckets: ['demo'],
      kmsEndpoint: expect.stringMatching(/^http:\/\/127\.0\.0\.1:[0-9]+$/),
      kmsKeyId: expect.any(String),
    })
  })

  test('--data keeps the key, in a directory of its own, and the certificate', async () => {
    const data = join(directory.path, 'kept')
    const start = async () =>
      JSON.parse((await emulator(['--json', '--kms', '--kms-tls', '--data', data])).text)
    const first = await start()
    expect(first.kmsEndpoint).toMatch(/^https:/)
    expect(first.kmsCaFile.startsWith(join(data, 'kms'))).toBe(true)
    expect(readFileSync(first.kmsCaFile, 'utf8')).toContain('BEGIN CERTIFICATE')
    const second = await start()
    expect([second.kmsKeyId, second.kmsCaFile]).toEqual([first.kmsKeyId, first.kmsCaFile])
  })

  test('the path of the CA does not depend on the current directory', async () => {
    const data = relative(process.cwd(), join(directory.path, 'relative'))
    const { text } = await emulator(['--json', '--kms', '--kms-tls', '--data', data])
    expect(isAbsolute(JSON.parse(text).kmsCaFile)).toBe(true)
  })

  test('a person gets lines to paste, and an example with the key', async () => {
    const { text } = await emulator(['--kms', '--kms-tls'])
    const [, keyId] = /with the key (\S+)\.\n/.exec(text) ?? []
    expect(text).toMatch(
      / {2}export OSS_CSE_KMS_ENDPOINT=https:\/\/127\.0\.0\.1:\d+\n {2}export NODE_EXTRA_CA_CERTS=\/\S+\n/,
    )
    expect(text).toContain(`oss-cse cat oss://demo/readme --kms-key-id ${keyId}\n`)
    expect((await emulator(['--kms'])).text).not.toContain('NODE_EXTRA_CA_CERTS')
  })

  test('a port of KMS that is taken is named, and OSS’s emulator is stopped too', async () => {
    const data = join(directory.path, 'taken')
    await emulator(['--json'], {}, async (line) => {
      const { port } = new URL(JSON.parse(line).endpoint)
      const argv = ['emulator', '--kms', '--kms-port', port, '--data', data]
      const { code, stderr } = await run(new MemoryServer(), argv)
      expect([code, stderr]).toEqual([1, expect.stringContaining(`port ${port} (EADDRINUSE)`)])
    })
    // No emulator holds the directory any more.
    expect((await emulator(['--json', '--data', data])).code).toBe(0)
  })
})

describe('emulator', () => {
  test('--json prints how to reach it, and an interrupt ends it with exit 0', async () => {
    const { code, text } = await emulator(['--json'])
    expect(code).toBe(0)
    expect(JSON.parse(text)).toEqual({
      endpoint: expect.stringMatching(/^http:\/\/localhost:[0-9]+$/),
      accessKeyId: expect.any(String),
      accessKeySecret: expect.any(String),
      region: 'cn-hangzhou',
      buckets: ['demo'],
    })
  })

  test('the buckets exist, the data is on disk, requests are logged, objects can be put and read', async () => {
    const data = join(directory.path, 'data')
    const log = join(directory.path, 'access.log')
    const argv = [
      '--json',
      '--bucket',
      'one',
      'two',
      '--bucket',
      'three',
      '--data',
      data,
      '--access-log',
      log,
    ]
    const seen: number[] = []
    const { code } = await emulator(argv, {}, async (text) => {
      const { endpoint, accessKeyId, accessKeySecret, buckets } = JSON.parse(text)
      expect(buckets).toEqual(['one', 'three', 'two'])
      const server = new MemoryServer()
      Object.assign(server, { open: openTransport })
      const env = {
        OSS_ENDPOINT: endpoint,
        OSS_ACCESS_KEY_ID: accessKeyId,
        OSS_ACCESS_KEY_SECRET: accessKeySecret,
      }
      for (const url of ['oss://one', 'oss://two', 'oss://three', 'oss://four']) {
        seen.push((await run(server, ['ls', url], { env })).code)
      }
      seen.push((await run(server, ['mb', 'oss://four'], { env })).code)
      seen.push((await run(server, ['ls', 'oss://four'], { env })).code)
    })
    expect([code, seen]).toEqual([0, [0, 0, 0, 4, 0, 0]])
    expect([existsSync(data), existsSync(log)]).toEqual([true, true])
  })

  test('the access key comes from the environment, and its secret is not printed for a person', async () => {
    const env = { OSS_ACCESS_KEY_ID: 'mine', OSS_ACCESS_KEY_SECRET: 'not for the screen' }
    expect(JSON.parse((await emulator(['--json'], env)).text)).toMatchObject({
      accessKeyId: 'mine',
      accessKeySecret: 'not for the screen',
    })
    const { text } = await emulator([], env)
    expect(text).toMatch(/export OSS_ENDPOINT=http:\/\/localhost:\d+\n {2}export OSS_REGION=cn-hangzhou\n/)
    expect(text).toContain('export OSS_ACCESS_KEY_ID=mine')
    expect(text).not.toContain('not for the screen')
  })

  test('--security-token makes the access key temporary, for KMS too, and is printed', async () => {
    const seen: number[] = []
    const argv = ['--json', '--kms', '--security-token', 'the+token=', '--token-lifetime', '3600']
    const { text } = await emulator(argv, {}, async (line) => {
      const connection = JSON.parse(line)
      const server = Object.assign(new MemoryServer(), { open: openTransport })
      const key = ['--kms-key-id', connection.kmsKeyId]
      const env = {
        OSS_ENDPOINT: connection.endpoint,
        OSS_ACCESS_KEY_ID: connection.accessKeyId,
        OSS_ACCESS_KEY_SECRET: connection.accessKeySecret,
        OSS_CSE_KMS_ENDPOINT: connection.kmsEndpoint,
      }
      for (const token of [{ OSS_SESSION_TOKEN: connection.securityToken }, {}]) {
        const put = await run(server, ['put', '-', 'oss://demo/a', ...key], {
          env: { ...env, ...token },
          stdin: Buffer.from('hello'),
        })
        seen.push(put.code)
      }
    })
    expect(seen[0]).toBe(0)
    expect(seen[1]).not.toBe(0)
    expect(JSON.parse(text)).toMatchObject({
      securityToken: 'the+token=',
      securityTokenExpiration: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    })
  })

  test('a person gets the token to paste, and when it expires, if it does', async () => {
    const lasting = await emulator(['--security-token', 'abc'])
    expect(lasting.text).toContain('  export OSS_SESSION_TOKEN=abc\n')
    expect(lasting.text).not.toContain('expires')
    const { text } = await emulator(['--security-token', "a'b", '--token-lifetime', '60'])
    expect(text).toContain(`  export OSS_SESSION_TOKEN='a'\\''b'\n`)
    expect(text).toMatch(/The security token expires at \d{4}-.*Z\.\n/)
  })

  test.each([-3600, 3600])('--clock-offset %i changes the clock of both emulators', async (seconds) => {
    const seen: unknown[] = []
    const argv = ['--json', '--kms', '--clock-offset', String(seconds), '--security-token', 'abc']
    const offsetOf = (date: unknown) => Math.round((Date.parse(String(date)) - Date.now()) / 600_000) * 600
    await emulator([...argv, '--token-lifetime', '600'], {}, async (line) => {
      const connection = JSON.parse(line)
      const server = Object.assign(new MemoryServer(), { open: openTransport })
      const env = {
        OSS_ENDPOINT: connection.endpoint,
        OSS_ACCESS_KEY_ID: connection.accessKeyId,
        OSS_ACCESS_KEY_SECRET: connection.accessKeySecret,
        OSS_SESSION_TOKEN: connection.securityToken,
        OSS_CSE_KMS_ENDPOINT: connection.kmsEndpoint,
      }
      const response = await fetch(connection.endpoint)
      const list = await run(server, ['ls', 'oss://demo', '--json'], { env })
      const put = await run(
        new MemoryServer(),
        ['put', '-', 'oss://demo/a', '--kms-key-id', connection.kmsKeyId],
        { env, stdin: Buffer.from('hello') },
      )
      seen.push(offsetOf(response.headers.get('date')), offsetOf(connection.securityTokenExpiration) - 600)
      seen.push(list.stderr, put.stderr)
    })
    const skew = expect.stringContaining('ERR_CSE_CLOCK_SKEW')
    expect(seen).toEqual([seconds, seconds, skew, skew])
  })

  test('--cors-origin lets pages of that origin use the buckets, and of no other', async () => {
    const statuses: number[] = []
    const argv = ['--json', '--cors-origin', 'https://app.example', 'http://localhost:*']
    await emulator(argv, {}, async (line) => {
      const { endpoint } = JSON.parse(line)
      for (const origin of ['https://app.example', 'http://localhost:5173', 'https://evil.example']) {
        const headers = { origin, 'access-control-request-method': 'PUT' }
        statuses.push((await fetch(`${endpoint}/demo/a`, { method: 'OPTIONS', headers })).status)
      }
    })
    expect(statuses).toEqual([200, 200, 403])
  })

  test('without a secret of its own a person gets one to paste', async () => {
    expect((await emulator([])).text).toMatch(/export OSS_ACCESS_KEY_SECRET=[0-9a-f]+\n/)
  })

  test.each([
    [['--kms-tls'], 2],
    [['--kms-port', '0'], 2],
    [['--kms', '--kms-port', '65536'], 2],
    [['--port', '65536'], 2],
    [['--port', 'x'], 2],
    [['--bucket', 'X'], 2],
    [['--security-token', ''], 2],
    [['--security-token', 'a b'], 2],
    [['--token-lifetime', '60'], 2],
    [['--security-token', 'a', '--token-lifetime', '0'], 2],
    [['--security-token', 'a', '--token-lifetime', '1h'], 2],
    [['--clock-offset', '1h'], 2],
    [['--clock-offset', '86401'], 2],
    [['--cors-origin', '*.*'], 2],
    [['--cors-origin', 'é'], 2],
    [['--cors-origin', '\0'], 2],
    [['--data', ''], 2],
    [['--access-log', ''], 2],
    [['--fault-rate', '2'], 2],
    [['--fault-seed', '1'], 2],
    [['--host', '203.0.113.1'], 1],
    [['--frobnicate'], 2],
  ])('%j exits %i', async (argv, exit) => {
    expect((await run(new MemoryServer(), ['emulator', ...argv])).code).toBe(exit)
  })

  test.each(['--data', '--access-log'])('%s that cannot be used is named', async (option) => {
    // A file in place of a directory, or a directory in place of a file.
    const path = option === '--data' ? fileURLToPath(import.meta.url) : tmpdir()
    const { code, stderr } = await run(new MemoryServer(), ['emulator', '--port', '0', option, path])
    expect(code).toBe(1)
    expect(stderr).toMatch(/cannot use .+ \(E[A-Z]+\)\. Name another --data or --access-log\.$/m)
  })
})
