// Packs every published package, installs the tarballs with plain npm into empty directories, as users do, and
// runs the vectors and the command line there: under this Node.js and under each of the matrix. The command line is
// installed by name, from a registry of these tarballs.
import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))
const work = mkdtempSync(join(tmpdir(), 'oss-cse-packed-'))
const run = (command, args, cwd, env = process.env) =>
  execFileSync(command, args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
const quietly = ['--no-audit', '--no-fund', '--loglevel=error']
const nodes = [
  process.execPath,
  ...run(process.execPath, [join(root, 'tooling/node-matrix/node-matrix.js'), '--list'], root)
    .trim()
    .split('\n'),
]

const MIB = 1024 * 1024
const LARGE_BYTES = 64 * MIB
/** Prints how many messages came from worker threads. */
const COUNTED_ANSWERS = `
const threads = require('node:worker_threads')
let answers = 0
threads.Worker = class extends threads.Worker {
  constructor(file, options) {
    super(file, options)
    this.on('message', () => answers++)
  }
}
if (threads.isMainThread) process.on('exit', () => require('node:fs').writeSync(1, String(answers)))
`

const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

let passed = 0
let failed = 0
async function check(what, test) {
  try {
    await test()
    passed += 1
    console.log(`ok      ${what}`)
  } catch (error) {
    failed += 1
    console.log(`not ok  ${what}\n${error.stdout ?? ''}${error.stderr ?? ''}${error.message}`)
  }
}

/** Tarballs by package name. */
function packAll() {
  const destination = join(work, 'tarballs')
  mkdirSync(destination)
  const tarballs = new Map()
  for (const folder of ['packages', 'apps', 'tooling']) {
    for (const name of readdirSync(join(root, folder))) {
      const directory = join(root, folder, name)
      const manifest = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'))
      if (manifest.private === true) continue
      run('npx', ['-y', packageManager, 'pack', '--pack-destination', destination], directory)
      const file = `${manifest.name.replace('@', '').replace('/', '-')}-${manifest.version}.tgz`
      tarballs.set(manifest.name, join(destination, file))
    }
  }
  return tarballs
}

/** An empty project. */
function makeProject(name) {
  const directory = join(work, name)
  mkdirSync(directory)
  writeFileSync(join(directory, 'package.json'), '{ "private": true, "type": "module" }\n')
  return directory
}

function installInto(name, packages, tarballs) {
  const directory = makeProject(name)
  const files = packages.map((wanted) => tarballs.get(wanted))
  run('npm', ['install', ...quietly, ...files], directory)
  return directory
}

/** The names of everything that was installed. */
function installed(directory) {
  const lock = JSON.parse(readFileSync(join(directory, 'package-lock.json'), 'utf8'))
  return Object.keys(lock.packages)
    .filter((path) => path !== '')
    .map((path) => path.replace(/^.*node_modules\//, ''))
    .sort()
}

async function checkPackage(name, folder, packages, expected, tarballs) {
  const directory = installInto(name, packages, tarballs)
  await check(
    `${packages.join(' and ')} install ${expected.length} packages, and no build script runs`,
    () => {
      assert.deepEqual(installed(directory), expected)
      const lock = JSON.parse(readFileSync(join(directory, 'package-lock.json'), 'utf8'))
      assert.deepEqual(
        Object.values(lock.packages).filter((entry) => entry.hasInstallScript),
        [],
      )
    },
  )
  cpSync(join(root, folder, 'test'), join(directory, 'test'), { recursive: true })
  // Private, so in no tarball: put where the smoke test looks for it.
  cpSync(join(root, 'tooling/sdk-vectors'), join(directory, 'node_modules/@oss-cse/sdk-vectors'), {
    recursive: true,
  })
  for (const node of nodes) {
    await check(`${name}: the vectors hold under ${run(node, ['--version'], work).trim()}`, () => {
      run(node, ['test/smoke.mjs'], directory)
    })
  }
}

/** A bucket on `fetch`, as a page or a worker installs it. */
async function checkFetch(tarballs) {
  const packages = ['bucket', 'crc64', 'crypto-core', 'signature', 'transport-fetch']
  const directory = installInto(
    'transport-fetch',
    packages.map((name) => `@oss-cse/${name}`),
    tarballs,
  )
  await check('transport-fetch brings no ali-oss', () => {
    assert.ok(!installed(directory).includes('ali-oss'))
  })
  cpSync(join(root, 'packages/transport-fetch/test'), join(directory, 'test'), { recursive: true })
  for (const node of nodes) {
    await check(
      `transport-fetch: stores, reads and signs under ${run(node, ['--version'], work).trim()}`,
      () => {
        run(node, ['test/smoke.mjs'], directory)
      },
    )
  }
}

/** The drop-in as an app installs it, which need not be an ES module nor know of KMS, and its types as an editor sees them. */
async function checkDropIn(tarballs) {
  const packages = [
    'ali-oss',
    'bucket',
    'crc64',
    'crypto-core',
    'oss-emulator',
    'provider-rsa',
    'signature',
    'transport-oss',
  ]
  const directory = installInto(
    'drop-in',
    packages.map((name) => `@oss-cse/${name}`),
    tarballs,
  )
  await check('the drop-in brings the ali-oss that it needs, no key service, and no build script', () => {
    const names = installed(directory)
    assert.ok(names.includes('ali-oss'))
    assert.deepEqual(
      names.filter((name) => /kms|^@alicloud/.test(name)),
      [],
    )
    const lock = JSON.parse(readFileSync(join(directory, 'package-lock.json'), 'utf8'))
    assert.deepEqual(
      Object.entries(lock.packages).filter(([, entry]) => entry.hasInstallScript),
      [],
    )
  })
  cpSync(join(root, 'packages/ali-oss/test'), join(directory, 'test'), { recursive: true })
  for (const node of nodes) {
    await check(`drop-in: uploads and downloads under ${run(node, ['--version'], work).trim()}`, () => {
      run(node, ['test/smoke.mjs'], directory)
    })
  }
  const { version } = JSON.parse(readFileSync(join(root, 'node_modules/@types/node/package.json'), 'utf8'))
  run('npm', ['install', ...quietly, `@types/node@${version}`], directory)
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const strict = ['--noEmit', '--strict', '--target', 'es2023', '--module', 'nodenext', '--types', 'node']
  await check('drop-in: its types hold for who installs it, without any check left out', () => {
    run(process.execPath, [tsc, ...strict, '--skipLibCheck', 'false', 'test/types.ts'], directory)
  })
}

/** Starts `oss-cse emulator --kms`: the environment that reaches it, the key in KMS, and how it stops. */
async function startEmulator(node, script) {
  const emulator = spawn(node, [script, 'emulator', '--kms', '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = await Promise.race([
    once(emulator.stdout, 'data'),
    once(emulator, 'exit').then(([code]) => assert.fail(`the emulator exits ${code}`)),
  ])
  const { endpoint, region, accessKeyId, accessKeySecret, kmsEndpoint, kmsKeyId } = JSON.parse(line)
  return {
    kmsKeyId,
    env: {
      ...process.env,
      OSS_ENDPOINT: endpoint,
      OSS_REGION: region,
      OSS_ACCESS_KEY_ID: accessKeyId,
      OSS_ACCESS_KEY_SECRET: accessKeySecret,
      OSS_CSE_KMS_ENDPOINT: kmsEndpoint,
      OSS_CSE_CHECKPOINT_DIR: join(work, 'checkpoints'),
      OSS_CSE_FLEET_DIR: join(work, 'runs'),
    },
    async stop() {
      emulator.kill()
      assert.deepEqual(await once(emulator, 'exit'), [0, null])
    },
  }
}

/** The one command that `emulator` and `demo` say adds the emulators, where they are not installed. */
function commandThatAdds(node, script) {
  const answers = ['emulator', 'demo'].map((command) => {
    const { status, stdout, stderr } = spawnSync(node, [script, command], { encoding: 'utf8' })
    assert.deepEqual([status, stdout], [3, ''])
    assert.match(stderr, /^oss-cse: The package @oss-cse\/oss-emulator is not installed\. .*\n$/)
    return /`(npm install [^`]*)`/.exec(stderr)?.[1]
  })
  assert.equal(answers[0], answers[1])
  return answers[0].split(' ')
}

function runsFleets(node) {
  const [major, minor] = run(node, ['--version'], work).slice(1).split('.').map(Number)
  return major > 22 || (major === 22 && minor >= 12)
}

/** What `fleet` says where it cannot run: that Node.js is too old, or the command that installs its package. */
function whatFleetNeeds(node, script, env) {
  const { status, stdout, stderr } = spawnSync(node, [script, 'fleet', 'audit', 'oss://demo/'], {
    encoding: 'utf8',
    env,
  })
  assert.deepEqual([status, stdout], [3, ''])
  if (!runsFleets(node)) {
    assert.match(stderr, /^oss-cse: The commands of `oss-cse fleet` need Node\.js 22\.12 or newer\. .*\n$/)
    return undefined
  }
  assert.match(stderr, /^oss-cse: The package @oss-cse\/fleet-pgboss is not installed\. .*\n$/)
  return /`(npm install [^`]*)`/.exec(stderr)?.[1].split(' ')
}

/** Starts the emulators, and stops them again. */
async function checkEmulators(node, script) {
  await (await startEmulator(node, script)).stop()
  run(node, [script, 'demo'], work)
}

async function checkCommandLine(registry) {
  const env = { ...process.env, 'npm_config_@oss-cse:registry': registry }
  const [ownNode] = nodes

  const prefix = join(work, 'global')
  const globally = { ...env, npm_config_prefix: prefix }
  run('npm', ['install', '--global', ...quietly, '@oss-cse/cli'], work, globally)
  const globalScript = join(prefix, 'lib/node_modules/@oss-cse/cli/bin/oss-cse.js')
  await check('cli, installed globally: the command is linked and runs', () => {
    const manifest = readFileSync(join(prefix, 'lib/node_modules/@oss-cse/cli/package.json'), 'utf8')
    // The build puts the version into the bundle: a package that was not built after a release would have the old one.
    assert.equal(run(join(prefix, 'bin/oss-cse'), ['--version'], work).trim(), JSON.parse(manifest).version)
  })
  await check(
    'cli, installed globally: emulator and demo work after the command that they name',
    async () => {
      const [npm, ...args] = commandThatAdds(ownNode, globalScript)
      run(npm, [...args, ...quietly], work, globally)
      await checkEmulators(ownNode, globalScript)
    },
  )

  const directory = makeProject('cli')
  run('npm', ['install', ...quietly, '@oss-cse/cli'], directory, env)
  const script = join(directory, 'node_modules/@oss-cse/cli/bin/oss-cse.js')
  await check('cli: it brings no emulator, and no other package of this repository', () => {
    assert.deepEqual(
      installed(directory).filter((name) => /^@oss-cse\/|emulator|selfsigned|fast-xml-parser/.test(name)),
      ['@oss-cse/cli'],
    )
  })
  await check('cli: it brings the licences of what is in its bundle', () => {
    const licences = readFileSync(
      join(directory, 'node_modules/@oss-cse/cli/dist/THIRD-PARTY-LICENCES.txt'),
      'utf8',
    )
    for (const name of ['commander', 'picocolors', 'valibot'])
      assert.match(licences, new RegExp(`^${name} \\d`, 'm'))
  })
  await check('cli: the command is linked and runs', () => {
    const help = run(join(directory, 'node_modules/.bin/oss-cse'), ['--help'], directory)
    assert.match(help, /^Usage: oss-cse /)
  })
  const plaintext = Buffer.alloc(1_000_003, 'plaintext ')
  writeFileSync(join(directory, 'in'), plaintext)
  const large = join(work, 'large')
  writeFileSync(large, Buffer.alloc(LARGE_BYTES, 'plaintext '))
  const probe = join(work, 'probe.cjs')
  writeFileSync(probe, COUNTED_ANSWERS)
  const server = await startEmulator(ownNode, globalScript)
  try {
    for (const [index, node] of nodes.entries()) {
      const version = run(node, ['--version'], work).trim()
      const cse = (...args) => run(node, [script, ...args], directory, server.env)
      await check(`cli: keys, encrypt, decrypt and a range under ${version}`, () => {
        cse('keygen', '--out', `keys${index}`, '--bits', '2048')
        const key = ['--rsa-private-key', `keys${index}/private_key.pem`]
        cse('encrypt', 'in', '-o', 'ciphertext', '--meta-out', 'meta.json', ...key)
        assert.notDeepEqual(readFileSync(join(directory, 'ciphertext')), plaintext)
        cse('decrypt', 'ciphertext', '-o', 'out', '--meta', 'meta.json', ...key)
        assert.deepEqual(readFileSync(join(directory, 'out')), plaintext)
        cse('decrypt', 'ciphertext', '-o', 'out', '--meta', 'meta.json', '--range', '77777-99999', ...key)
        assert.deepEqual(readFileSync(join(directory, 'out')), plaintext.subarray(77_777, 100_000))
      })
      await check(`cli: put and get, with a key in KMS, under ${version}`, () => {
        const key = ['--kms-key-id', server.kmsKeyId]
        cse('put', 'in', 'oss://demo/in', '--quiet', ...key)
        cse('get', 'oss://demo/in', 'got', '--quiet', ...key)
        assert.deepEqual(readFileSync(join(directory, 'got')), plaintext)
      })
      await check(`cli: put and get of a large file use the thread under ${version}`, () => {
        const env = { ...server.env, NODE_OPTIONS: `--require ${probe}` }
        const key = ['--kms-key-id', server.kmsKeyId]
        for (const args of [
          ['put', large, 'oss://demo/large'],
          ['get', 'oss://demo/large', 'got'],
        ]) {
          const answers = run(node, [script, ...args, '--quiet', ...key], directory, env)
          assert.ok(Number(answers) > LARGE_BYTES / MIB / 10, `${args[0]}: ${answers} answers of a thread`)
        }
        assert.ok(readFileSync(join(directory, 'got')).equals(readFileSync(large)))
      })
      await check(`cli: fleet says what it needs under ${version}`, () => {
        whatFleetNeeds(node, script, server.env)
      })
      await check(`cli: emulator and demo say what adds the emulators under ${version}`, () => {
        assert.deepEqual(commandThatAdds(node, script).slice(0, 2), ['npm', 'install'])
      })
    }
    await check('cli: fleet audits a bucket after the command that it names', () => {
      // Not the machine's own Node.js, which may be older.
      const node = nodes.find(runsFleets)
      const [npm, ...args] = whatFleetNeeds(node, script, server.env)
      run(npm, [...args.filter((arg) => arg !== '--global'), ...quietly], directory, env)
      const audit = run(node, [script, 'fleet', 'audit', 'oss://demo/', '--json'], directory, server.env)
      const { totals, summary } = JSON.parse(audit)
      // What was put above, and is encrypted.
      assert.deepEqual([totals.objects, totals.encrypted, summary.problemCount], [2, 2, 0])
    })
  } finally {
    await server.stop()
  }

  const [npm, ...args] = commandThatAdds(ownNode, script)
  run(npm, [...args.filter((arg) => arg !== '--global'), ...quietly], directory, env)
  for (const node of nodes) {
    await check(`cli: emulator and demo work under ${run(node, ['--version'], work).trim()}`, () =>
      checkEmulators(node, script),
    )
  }
}

/** Serves the tarballs under their packages' names. */
async function startRegistry(tarballs) {
  const script = fileURLToPath(new URL('registry.js', import.meta.url))
  const registry = spawn(process.execPath, [script, ...tarballs.values()], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = await once(registry.stdout, 'data')
  return { address: String(line).trim(), stop: () => registry.kill() }
}

try {
  const tarballs = packAll()
  await checkPackage('crc64', 'packages/crc64', ['@oss-cse/crc64'], ['@oss-cse/crc64'], tarballs)
  await checkPackage(
    'signature',
    'packages/signature',
    ['@oss-cse/signature'],
    ['@oss-cse/signature'],
    tarballs,
  )
  const ours = ['@oss-cse/crc64', '@oss-cse/crypto-core']
  const core = ['@noble/ciphers', '@noble/hashes', ...ours, 'is-network-error', 'p-retry']
  await checkPackage('crypto-core', 'packages/crypto-core', ours, core, tarballs)
  const rsa = [...ours, '@oss-cse/provider-rsa']
  await checkPackage(
    'provider-rsa',
    'packages/provider-rsa',
    rsa,
    [...core, '@oss-cse/provider-rsa'].sort(),
    tarballs,
  )
  const leaf = '@oss-cse/rsa-pkcs1'
  await checkPackage('rsa-pkcs1', 'packages/rsa-pkcs1', [leaf], [leaf], tarballs)
  const remote = [...ours, '@oss-cse/provider-remote', leaf]
  await checkPackage(
    'provider-remote',
    'packages/provider-remote',
    remote,
    [...core, '@oss-cse/provider-remote', leaf, 'p-map', 'valibot'].sort(),
    tarballs,
  )
  const web = [...ours, '@oss-cse/provider-web', leaf]
  await checkPackage(
    'provider-web',
    'packages/provider-web',
    web,
    [...core, '@oss-cse/provider-web', leaf, 'hash-wasm'].sort(),
    tarballs,
  )
  const kms = [...ours, '@oss-cse/provider-kms']
  await checkPackage(
    'provider-kms',
    'packages/provider-kms',
    kms,
    [...core, '@oss-cse/provider-kms'].sort(),
    tarballs,
  )
  await checkFetch(tarballs)
  await checkDropIn(tarballs)
  const registry = await startRegistry(tarballs)
  try {
    await checkCommandLine(registry.address)
  } finally {
    registry.stop()
  }
} finally {
  rmSync(work, { recursive: true, force: true })
}
console.log(`packed-install: ${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
