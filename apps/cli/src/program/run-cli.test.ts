import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { TransportError } from '@oss-cse/crypto-core'
import { afterAll, describe, expect, test } from 'vitest'
import { MemoryServer, run, temporaryDirectory } from '../testing/shell.ts'

const directory = temporaryDirectory()
afterAll(() => directory.remove())
const oss = (...argv: string[]) => run(new MemoryServer(), argv)

const COMMANDS =
  'keygen put get cat verify stat ls rm cp mb uploads encrypt decrypt inspect emulator demo'.split(' ')

describe('the command line', () => {
  test('--version and --help exit 0 and print on stdout', async () => {
    expect((await oss('--version')).stdout.toString()).toMatch(/^\d+\.\d+\.\d+\n$/)
    const { code, stdout, stderr } = await oss('--help')
    expect([code, stderr]).toEqual([0, ''])
    for (const command of COMMANDS) expect(stdout.toString()).toContain(`\n  ${command} `)
    expect(stdout.toString()).toContain('130  interrupted')
  })

  test.each([...COMMANDS.filter((command) => command !== 'uploads'), 'uploads ls', 'uploads abort'])(
    '%s --help tells its options, its JSON and the exit codes',
    async (command) => {
      const { code, stdout } = await oss(...command.split(' '), '--help')
      expect(code).toBe(0)
      if (command !== 'demo') expect(stdout.toString()).toContain('--json')
      expect(stdout.toString()).toContain('Exit codes:')
    },
  )

  test.each([
    [[]],
    [['frobnicate']],
    [['--frobnicate']],
    [['get']],
    [['get', 'oss://b']],
    [['get', 'oss://bucket/k', 'f', 'g']],
    [['get', 'oss://bucket/k', 'f', '--frobnicate']],
    [['get', 'oss://bucket/k', 'f', '--range']],
    [['encrypt', 'f']],
    [['encrypt', 'f', '-o', 'x']],
    [['keygen']],
    [['cp', 'oss://bucket/k', 'file']],
    [['put', 'file', 'bucket/key']],
    [['rm']],
    [['uploads']],
    [['uploads', 'ls']],
    [['uploads', 'abort', 'oss://bucket/k']],
    [['uploads', 'abort', 'oss://bucket/k', '']],
    [['uploads', 'abort', 'oss://bucket/k', 'id', '--all']],
    [['uploads', 'abort', 'oss://bucket', 'id']],
  ])(
    '%j exits 2, and prints a line that begins with the name of the tool or with the usage',
    async (argv) => {
      const { code, stdout, stderr } = await oss(...argv)
      expect([code, stdout.length]).toEqual([2, 0])
      expect(stderr).toMatch(/^(?:oss-cse: |Usage: )/)
    },
  )

  test('no failure shows a stack, unless OSS_CSE_DEBUG asks for one', async () => {
    const argv = ['inspect', join(directory.path, 'none')]
    expect((await run(new MemoryServer(), argv)).stderr).not.toContain('    at ')
    const { stderr } = await run(new MemoryServer(), argv, { env: { OSS_CSE_DEBUG: '1' } })
    expect(stderr).toMatch(/ {4}at .*[\s\S]*caused by Error: ENOENT/)
  })

  test('no failure shows a secret of the environment', async () => {
    const server = new MemoryServer()
    server.bucket('demo').intercept = () => {
      throw new TransportError('ERR_CSE_ACCESS_DENIED', 'Refused.', { retryable: false })
    }
    const env = { OSS_SESSION_TOKEN: 'secret token', OSS_CSE_DEBUG: '1' }
    expect((await run(server, ['ls', 'oss://demo'], { env })).stderr).not.toContain('secret')
  })

  test('a listing whose reader has gone ends without an error', async () => {
    const server = new MemoryServer()
    await server.bucket('demo').plant('k', new Uint8Array(1))
    const stdout = new Writable()
    stdout.destroy()
    const { code, stderr } = await run(server, ['ls', 'oss://demo'], { stdout })
    expect([code, stderr]).toEqual([0, ''])
  })
})

describe('on a terminal', () => {
  test('a weak key prints a warning', async () => {
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey
    const key = join(directory.path, 'weak.pem')
    writeFileSync(key, weak.export({ type: 'pkcs8', format: 'pem' }))
    const argv = [
      'encrypt',
      '-',
      '-o',
      '-',
      '--meta-out',
      join(directory.path, 'm'),
      '--rsa-private-key',
      key,
    ]
    const { code, stderr } = await run(new MemoryServer(), argv)
    expect([code, stderr]).toEqual([0, expect.stringMatching(/^oss-cse: warning: .*weak\.pem: .*1024 bits/)])
  })

  test('a progress bar is shown, unless --quiet, --json or --no-progress, and removed at the end', async () => {
    const key = join(directory.path, 'private_key.pem')
    await oss('keygen', '--out', directory.path, '--bits', '2048')
    const argv = [
      'encrypt',
      key,
      '-o',
      '-',
      '--meta-out',
      join(directory.path, 'm'),
      '--rsa-private-key',
      key,
    ]
    const shown = async (...options: string[]): Promise<string> =>
      (await run(new MemoryServer(), [...argv, ...options], { stderrIsTerminal: true })).stderr
    expect(await shown()).toContain('encrypt')
    for (const option of ['--quiet', '--no-progress']) expect(await shown(option)).toBe('')
    expect(await shown('--json')).toMatch(/^\{/)
  })
})
