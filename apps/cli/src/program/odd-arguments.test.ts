import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import type { Command, Option } from 'commander'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { CliEnvironment } from '../base/cli-environment.ts'
import { EXIT } from '../output/exit-codes.ts'
import { writeKeyFiles } from '../testing/key-files.ts'
import { MemoryQueues } from '../testing/memory-queues.ts'
import { MemoryServer, run } from '../testing/shell.ts'
import { createProgram } from './program.ts'

/** Set `ODD_ARGUMENTS` for more of them. */
const COUNT = Number(process.env['ODD_ARGUMENTS'] ?? 150)
const SECRETS = ['a secret passphrase', 'secret of the access key', 'PRIVATE KEY-----', 'the-password']
const ENV = {
  PASS: 'a secret passphrase',
  OSS_CSE_KMS_ENDPOINT: 'http://127.0.0.1:1',
}

const VALUES = [
  ...[
    '',
    ' ',
    '-',
    '--',
    '---',
    '=',
    '__proto__',
    'constructor',
    'toString',
    '-x',
    '--x',
    '--x=y',
    '-o-',
    '@file',
  ],
  ...[
    'oss://demo/a',
    'oss://demo/a',
    'oss://demo/',
    'oss://demo',
    'oss://__proto__/x',
    'oss://demo/../x',
    'oss:///x',
  ],
  ...[
    'oss://DEMO/a',
    'oss://',
    'OSS://demo/a',
    'oss://taken',
    'https://demo/a',
    'oss://demo/\u0000',
    'oss://demo/\ud800',
  ],
  ...[
    'file',
    'file',
    'missing',
    'dir',
    'dir/',
    '.',
    './',
    'out',
    'out/x',
    'file/x',
    'own.pem',
    'own.pub.pem',
    'other.pem',
  ],
  ...[
    'keyring.json',
    'PASS',
    'OSS_ACCESS_KEY_SECRET',
    'NOT_SET',
    '{"a":"b"}',
    '{"__proto__":"b"}',
    '{"a":1}',
    '{',
    '[]',
  ],
  ...[
    '0',
    '1',
    '-1',
    '1.5',
    '1e9',
    '10MiB',
    '100KiB',
    '1MB',
    '9'.repeat(30),
    '0-4',
    '-5',
    '5-',
    '5-1',
    'bytes=0-1',
    'x-y',
  ],
  ...[
    'a=b',
    '__proto__=x',
    'a=',
    '=b',
    'ü=ü',
    'a=\n',
    'v1',
    'v2',
    'v4',
    'path',
    'blob',
    'oss2',
    'cn-hangzhou',
    'text/plain',
  ],
  ...[
    'http://127.0.0.1:1',
    '127.0.0.1',
    'http://',
    'http://127.0.0.1:1/path?x',
    'http://a:b@127.0.0.1',
    'ftp://127.0.0.1',
    'postgres://fleet:the-password@127.0.0.1:1/fleet',
  ],
  ...[
    '\u001b[31m',
    '\n',
    '\r\n',
    '\u0000',
    '\u009b',
    '\u202e',
    '\u{1f600}',
    'é',
    '\ud800',
    '\ufffd',
    'a'.repeat(5000),
    '%00',
  ],
]

let home: string
let before: string
let program: Command
const addresses: string[] = []

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'oss-cse-odd-'))
  // Deep enough for paths that leave it by dots.
  mkdirSync(join(home, 'a', 'b', 'here'), { recursive: true })
  before = process.cwd()
  process.chdir(join(home, 'a', 'b', 'here'))
  const cli = { stdout: sink(), stderr: sink(), env: {}, signal: new AbortController().signal }
  program = await createProgram(cli as unknown as CliEnvironment, { tellsUsage: false })
  await makeFiles()
  // Requests to the key service use real sockets.
  const connect = Socket.prototype.connect
  vi.spyOn(Socket.prototype, 'connect').mockImplementation(function (this: Socket, ...args: unknown[]) {
    addresses.push(JSON.stringify(args))
    return Reflect.apply(connect, this, args) as Socket
  })
})
afterAll(() => {
  vi.restoreAllMocks()
  process.chdir(before)
  rmSync(home, { recursive: true, force: true })
})

async function makeFiles(): Promise<void> {
  rmSync(join(home, 'a', 'b', 'here'), { recursive: true, force: true })
  mkdirSync(join(home, 'a', 'b', 'here', 'dir'), { recursive: true })
  process.chdir(join(home, 'a', 'b', 'here'))
  await writeKeyFiles('.')
  writeFileSync('file', 'the content of the file')
  const materials = { a: { type: 'rsa', privateKeyFile: 'own.pem' } }
  writeFileSync('keyring.json', JSON.stringify({ encrypting: 'a', materials }))
}

/** Every path below the home directory, and how long the files are. */
function listing(): readonly string[] {
  return (readdirSync(home, { recursive: true }) as string[])
    .map((path) => {
      const stats = statSync(join(home, path))
      return `${path} ${stats.isFile() ? stats.size : 'directory'}`
    })
    .toSorted()
}

function isFile(entry: string): boolean {
  return !entry.endsWith(' directory')
}

function sink(): Writable {
  return new Writable({ write: (_chunk, _encoding, done) => done() })
}

/** The commands and their subcommands, by what is typed for them. */
function commandsOf(
  parent: Command,
  words: readonly string[] = [],
): readonly (readonly [string[], Command])[] {
  return parent.commands.flatMap((command) => {
    const typed = [...words, command.name()]
    return [[typed, command] as const, ...commandsOf(command, typed)]
  })
}

const oddValue = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...VALUES) },
  // No path leads out of the directory.
  {
    weight: 1,
    arbitrary: fc.string({ unit: 'binary', maxLength: 30 }).map((text) => text.replaceAll('/', '_')),
  },
)

/** What fits a place, by the words in which the help names it. */
const FITTING: readonly (readonly [place: RegExp, values: readonly string[]])[] = [
  [/private-key|rsa-private/, ['own.pem']],
  [/public-key/, ['own.pub.pem']],
  [/keyring <file>/, ['keyring.json']],
  [/endpoint/, ['http://127.0.0.1:1']],
  [/<json>/, ['{"a":"b"}']],
  [/<size>/, ['100KiB', '1']],
  [/<n>|<count>/, ['1', '2']],
  [/<var>/, ['PASS']],
  [/<dir/, ['out', 'dir']],
  [/range/, ['0-4', '-5']],
  [/queue/, ['postgres://fleet:the-password@127.0.0.1:1/fleet']],
  [/report/, ['out', 'oss://other/']],
  [/meta/, ['a=b']],
  [/url|source|target|prefix/, ['oss://demo/a', 'oss://demo/b', 'oss://demo/']],
  [/<in>|what|headers/, ['file', 'envelope.json']],
  [/<file>|output/, ['file', 'out']],
]

/** The values for a place: half of the time valid ones. */
function valueFor(place: string, choices: readonly string[] = []): fc.Arbitrary<string> {
  const fitting = [...choices, ...(FITTING.find(([pattern]) => pattern.test(place))?.[1] ?? [])]
  return fitting.length === 0 ? oddValue : fc.oneof(fc.constantFrom(...fitting), oddValue)
}

/** What to type for an option. */
function typed(option: Option): fc.Arbitrary<readonly string[]> {
  const flag = option.long ?? option.short ?? ''
  if (!option.required && !option.optional) return fc.constant([flag])
  const value = valueFor(option.flags, option.argChoices)
  return fc.oneof(
    { weight: 8, arbitrary: value.map((text) => [flag, text]) },
    { weight: 1, arbitrary: value.map((text) => [`${flag}=${text}`]) },
    { weight: 1, arbitrary: fc.constant([flag]) },
  )
}

/** Never given: what would listen elsewhere, or take long. */
const LEFT_OUT: readonly string[] = [
  '--host',
  '--port',
  '--kms-port',
  '--bits',
  '--help',
  '--latency',
  '--kms-tls',
  '--wait',
]

function argumentLists(): fc.Arbitrary<readonly string[]> {
  const commands = commandsOf(program).filter(([, command]) => command.name() !== 'demo')
  const lists = commands.map(([words, command]) => {
    const options = command.options.filter(({ long }) => !LEFT_OUT.includes(long ?? ''))
    const some =
      options.length === 0 ? fc.constant([]) : fc.array(fc.oneof(...options.map(typed)), { maxLength: 4 })
    // Required options, most of the time.
    const needed = fc.oneof(
      { weight: 3, arbitrary: fc.tuple(...options.filter(({ mandatory }) => mandatory).map(typed)) },
      { weight: 1, arbitrary: fc.constant([]) },
    )
    const keys = options.some(({ long }) => long === '--keyring')
      ? fc.constantFrom(['--rsa-private-key', 'own.pem'], ['--keyring', 'keyring.json'], [])
      : fc.constant([])
    const places = fc.tuple(...command.registeredArguments.map((place) => valueFor(`<${place.name()}>`)))
    const more = fc.oneof(
      { weight: 6, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: fc.array(oddValue, { maxLength: 2 }) },
    )
    const bits = fc.constantFrom('2048', '1', 'x', '99999')
    const fixed =
      command.name() === 'keygen'
        ? bits.map((text) => ['--bits', text])
        : fc.constant(command.name() === 'emulator' ? ['--port', '0'] : [])
    return fc
      .tuple(fixed, needed, some, keys, places, more, fc.boolean())
      .map(([first, mandatory, given, key, place, excess, placesFirst]) => {
        const flags = [...first, ...mandatory.flat(), ...given.flat(), ...key]
        const operands = [...place, ...excess]
        return [...words, ...(placesFirst ? [...operands, ...flags] : [...flags, ...operands])]
      })
  })
  const nonsense = fc.array(oddValue, { maxLength: 4 })
  return fc.oneof({ weight: 12, arbitrary: fc.oneof(...lists) }, { weight: 1, arbitrary: nonsense })
}

test('with any arguments, a command ends with one of its exit codes and its own message', async () => {
  const codes = new Map<number, number>()
  await fc.assert(
    fc.asyncProperty(argumentLists(), async (argv) => {
      const server = new MemoryServer()
      const stop = new AbortController()
      const earlier = listing()
      const out: Buffer[] = []
      // The emulator listens forever.
      const stdout = new Writable({
        write(chunk: Buffer, _encoding, done) {
          out.push(Buffer.from(chunk))
          if (argv[0] === 'emulator') stop.abort()
          done()
        },
      })
      const { code, stderr } = await run(server, argv, {
        env: ENV,
        stdin: Buffer.from('from stdin'),
        stdout,
        signal: stop.signal,
        openJobQueue: new MemoryQueues().open,
      })
      codes.set(code, (codes.get(code) ?? 0) + 1)
      const printed = `${stderr}\n${argv[0] === 'cat' ? '' : Buffer.concat(out).toString()}`
      expect(Object.values(EXIT)).toContain(code)
      expect(printed).not.toMatch(
        /\n {4}at |\bundefined\b|\[object |\bNaN\b|TypeError|Cannot read properties/,
      )
      // The emulator prints its own access key.
      if (argv[0] !== 'emulator') for (const secret of SECRETS) expect(printed).not.toContain(secret)
      if (code !== EXIT.ok && code !== EXIT.interrupted) {
        expect(printed.trim()).not.toBe('')
        // The checkpoint directory is a setting. It is created when it is first needed, and stays.
        const isOurs = argv.join(' ').includes('--checkpoint-dir') ? isFile : () => true
        if (argv[0] !== 'emulator') expect(listing().filter(isOurs)).toEqual(earlier.filter(isOurs))
      }
      expect(addresses.filter((address) => !/127\.0\.0\.1|localhost/.test(address))).toEqual([])
      if (listing().join() !== earlier.join()) await makeFiles()
    }),
    { seed: 13, numRuns: COUNT, endOnFailure: true },
  )
  // Not all arguments are refused before a command does anything.
  expect([...codes.keys()]).toEqual(expect.arrayContaining([EXIT.ok, EXIT.usage, EXIT.configuration]))
  if (process.env['ODD_ARGUMENTS']) console.log(codes)
})
