import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { type OssEmulator, startOssEmulator } from '@oss-cse/oss-emulator'
import { generateRsaKeyPair } from '@oss-cse/provider-rsa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const PACKAGE = fileURLToPath(new URL('..', import.meta.url))
const MIB = 1024 * 1024

/** What a process writes when it ends: its own files, packages and modules of Node.js, and the threads that it used. */
interface Loaded {
  readonly files: readonly string[]
  readonly packages: readonly string[]
  readonly builtins: readonly string[]
  readonly threads: readonly string[]
}

const PROBE = `
const { writeFileSync } = require('node:fs')
const threads = require('node:worker_threads')
const answered = new Set()
threads.Worker = class extends threads.Worker {
  constructor(file, options) {
    super(file, options)
    this.on('message', () => answered.add(String(file)))
  }
}
process.on('exit', () => {
  const builtins = process.moduleLoadList.filter((name) => name.startsWith('NativeModule ')).map((name) => name.slice(13))
  const files = Object.keys(require.cache)
  writeFileSync(process.env.LOADED, JSON.stringify({ files, builtins, threads: [...answered] }))
})
`

let directory: string
let emulator: OssEmulator

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'oss-cse-loaded-'))
  writeFileSync(join(directory, 'probe.cjs'), PROBE)
  const { privateKey } = await generateRsaKeyPair({ bits: 2048 })
  writeFileSync(join(directory, 'key.pem'), privateKey, { mode: 0o600 })
  writeFileSync(join(directory, 'small'), 'a letter')
  emulator = await startOssEmulator({ buckets: ['demo'] })
})
afterAll(async () => {
  await emulator.close()
  rmSync(directory, { recursive: true, force: true })
})

/** Runs the built command in a process of its own, and returns what it loaded. */
async function loadedBy(
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Loaded> {
  const loaded = join(directory, 'loaded.json')
  const probe = join(directory, 'probe.cjs')
  const child = spawn(process.execPath, ['--require', probe, join(PACKAGE, 'bin', 'oss-cse.js'), ...argv], {
    cwd: directory,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      HOME: join(directory, 'home'),
      LOADED: loaded,
      OSS_ENDPOINT: emulator.endpoint,
      OSS_ACCESS_KEY_ID: emulator.accessKeyId,
      OSS_ACCESS_KEY_SECRET: emulator.accessKeySecret,
      ...env,
    },
  })
  let stderr = ''
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  const [code] = await once(child, 'close')
  expect([code, stderr.replace(/^(?:Uploaded|Downloaded) .*\n$/, '')]).toEqual([0, ''])
  const { files, builtins, threads } = JSON.parse(readFileSync(loaded, 'utf8'))
  const packages = new Set<string>()
  const own: string[] = []
  for (const file of files as string[]) {
    if (file === probe) continue
    const name = /.*[\\/]node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)/.exec(file)?.[1]
    if (name === undefined) own.push(relative(PACKAGE, file).replace(/-[\w-]{8}\.cjs$/, '.cjs'))
    else packages.add(name)
  }
  return { files: own.sort(), packages: [...packages].sort(), builtins, threads }
}

const KEY = ['--rsa-private-key', 'key.pem']
const START = ['bin/oss-cse.js', 'dist/rolldown-runtime.cjs', 'dist/start.cjs', 'dist/transfers.cjs']
/** What locks a file: a native module, and what finds it. */
const LOCKS = [
  'bare-addon-resolve',
  'bare-module-resolve',
  'bare-semver',
  'fs-native-extensions',
  'require-addon',
  'which-runtime',
]
/** What only some commands need, and takes long to load. */
const SLOW = ['internal/deps/undici/undici', 'https', 'child_process']

describe('a command loads only what it needs', () => {
  test('to put and get a small file: one file of code, and no package but what locks the target', async () => {
    const put = await loadedBy(['put', 'small', 'oss://demo/small', ...KEY])
    expect([put.files, put.packages]).toEqual([START, []])
    const get = await loadedBy(['get', 'oss://demo/small', 'got', ...KEY])
    expect([get.files, get.packages]).toEqual([START, LOCKS])
    expect(readFileSync(join(directory, 'got'), 'utf8')).toBe('a letter')
    for (const { builtins, threads } of [put, get]) {
      expect(builtins.filter((name) => SLOW.includes(name))).toEqual([])
      expect(threads).toEqual([])
    }
  })

  test('to print its version or to show an object: no package', async () => {
    await loadedBy(['put', 'small', 'oss://demo/small', ...KEY])
    expect((await loadedBy(['stat', 'oss://demo/small'])).packages).toEqual([])
    expect((await loadedBy(['--version'])).packages).toEqual([])
  })

  test('to list objects: ali-oss, and nothing for other commands', async () => {
    const { files, packages } = await loadedBy(['ls', 'oss://demo'])
    expect(files).toEqual([...START, 'dist/ls.cjs'].sort())
    expect(packages).toContain('ali-oss')
    expect(packages.filter((name) => name.startsWith('@'))).toEqual([])
  })

  test('to print a CORS rule: one more file, and no package', async () => {
    const { files, packages } = await loadedBy(['cors', '--origin', 'https://app.example'])
    expect([files, packages]).toEqual([[...START, 'dist/cors.cjs'].sort(), []])
  })

  test('to show all commands: their options, and no package', async () => {
    const { files, packages } = await loadedBy(['--help'])
    expect(packages).toEqual([])
    expect(files).not.toContain('dist/runs.cjs')
  })

  test('for a fleet: one more file for all that its runs need, and no queue to show them', async () => {
    const { files, packages } = await loadedBy(['fleet', 'status'])
    expect(files).toEqual([...START, 'dist/fleet.cjs', 'dist/runs.cjs'].sort())
    expect(packages).toEqual([])
    expect((await loadedBy(['fleet', '--help'])).files).toEqual([...START, 'dist/fleet.cjs'].sort())
  })
})

describe('a large file', () => {
  test('is uploaded in parts without ali-oss', async () => {
    writeFileSync(join(directory, 'parts'), Buffer.alloc(11 * MIB, 'plaintext '))
    emulator.resetRequests()
    const { packages } = await loadedBy(['put', 'parts', 'oss://demo/parts', ...KEY])
    expect(packages).toEqual(LOCKS)
    expect(emulator.requests.map(({ method }) => method)).toEqual(['POST', 'PUT', 'PUT', 'POST'])
  })

  test.runIf(availableParallelism() > 1)(
    'is encrypted and decrypted in the thread of the bundle',
    async () => {
      const thread = pathToFileURL(join(PACKAGE, 'dist', 'file-cipher-worker.cjs')).href
      const plaintext = Buffer.alloc(11 * MIB, 'plaintext ')
      writeFileSync(join(directory, 'large'), plaintext)
      expect((await loadedBy(['put', 'large', 'oss://demo/large', ...KEY])).threads).toEqual([thread])
      expect((await loadedBy(['get', 'oss://demo/large', 'copy', ...KEY])).threads).toEqual([thread])
      expect(readFileSync(join(directory, 'copy')).equals(plaintext)).toBe(true)
    },
  )
})

describe('compiled code', () => {
  const kept = () => readdirSync(directory, { recursive: true }).map(String)

  test('is kept in the caches of the user', async () => {
    await loadedBy(['--version'], { HOME: join(directory, 'cached') })
    expect(kept()).toContainEqual(expect.stringMatching(/^cached\/\.cache\/oss-cse\/v[^/]+\/[^/]+$/))
  })

  test('is kept where NODE_COMPILE_CACHE says', async () => {
    const NODE_COMPILE_CACHE = join(directory, 'named')
    await loadedBy(['--version'], { HOME: join(directory, 'other'), NODE_COMPILE_CACHE })
    expect(kept()).toContainEqual(expect.stringMatching(/^named\/v[^/]+\/[^/]+$/))
    expect(kept()).not.toContain('other')
  })

  test('is not kept with NODE_DISABLE_COMPILE_CACHE, or where the caches cannot be used', async () => {
    await loadedBy(['--version'], { HOME: join(directory, 'none'), NODE_DISABLE_COMPILE_CACHE: '1' })
    expect(kept()).not.toContain('none')
    await loadedBy(['--version'], { HOME: join(directory, 'small') })
    expect(readFileSync(join(directory, 'small'), 'utf8')).toBe('a letter')
  })
})
