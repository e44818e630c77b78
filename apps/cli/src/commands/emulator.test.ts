import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { afterAll, describe, expect, test } from 'vitest'
import { openTransport } from '../open-transport.ts'
import { runCli } from '../run-cli.ts'
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
  })
  await used
  return { code, text }
}

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

  test('the access key comes from the environment, whose secret is not shown to a person', async () => {
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

  test('without a secret of its own a person gets one to paste', async () => {
    expect((await emulator([])).text).toMatch(/export OSS_ACCESS_KEY_SECRET=[0-9a-f]+\n/)
  })

  test.each([
    [['--port', '65536'], 2],
    [['--port', 'x'], 2],
    [['--bucket', 'X'], 2],
    [['--fault-rate', '2'], 2],
    [['--fault-seed', '1'], 2],
    [['--host', '203.0.113.1'], 1],
    [['--frobnicate'], 2],
  ])('%j exits %i', async (argv, exit) => {
    expect((await run(new MemoryServer(), ['emulator', ...argv])).code).toBe(exit)
  })
})
