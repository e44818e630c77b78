// Packs every published package, installs the tarballs with plain npm into empty directories, as users do, and
// runs the vectors and the command line there: under this Node.js and under each of the matrix.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))
const work = mkdtempSync(join(tmpdir(), 'oss-cse-packed-'))
const run = (command, args, cwd) =>
  execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
const nodes = [
  process.execPath,
  ...run(process.execPath, [join(root, 'tooling/node-matrix/node-matrix.js'), '--list'], root)
    .trim()
    .split('\n'),
]

const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

let passed = 0
let failed = 0
function check(what, test) {
  try {
    test()
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

function installInto(name, packages, tarballs) {
  const directory = join(work, name)
  mkdirSync(directory)
  writeFileSync(join(directory, 'package.json'), '{ "private": true, "type": "module" }\n')
  const files = packages.map((wanted) => tarballs.get(wanted))
  run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', ...files], directory)
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

function checkPackage(name, folder, packages, expected, tarballs) {
  const directory = installInto(name, packages, tarballs)
  check(`${packages.join(' and ')} install ${expected.length} packages, and no build script runs`, () => {
    assert.deepEqual(installed(directory), expected)
    const lock = JSON.parse(readFileSync(join(directory, 'package-lock.json'), 'utf8'))
    assert.deepEqual(
      Object.values(lock.packages).filter((entry) => entry.hasInstallScript),
      [],
    )
  })
  cpSync(join(root, folder, 'test'), join(directory, 'test'), { recursive: true })
  // Private, so in no tarball: put where the smoke test looks for it.
  cpSync(join(root, 'tooling/sdk-vectors'), join(directory, 'node_modules/@oss-cse/sdk-vectors'), {
    recursive: true,
  })
  for (const node of nodes) {
    check(`${name}: the vectors hold under ${run(node, ['--version'], work).trim()}`, () => {
      run(node, ['test/smoke.mjs'], directory)
    })
  }
}

/** The drop-in as an app installs it, which need not be an ES module nor know of KMS, and its types as an editor sees them. */
function checkDropIn(tarballs) {
  const packages = ['ali-oss', 'bucket', 'crypto-core', 'oss-emulator', 'provider-rsa', 'transport-oss']
  const directory = installInto(
    'drop-in',
    packages.map((name) => `@oss-cse/${name}`),
    tarballs,
  )
  check('the drop-in brings the ali-oss that it needs, no key service, and no build script', () => {
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
    check(`drop-in: uploads and downloads under ${run(node, ['--version'], work).trim()}`, () => {
      run(node, ['test/smoke.mjs'], directory)
    })
  }
  const { version } = JSON.parse(readFileSync(join(root, 'node_modules/@types/node/package.json'), 'utf8'))
  run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', `@types/node@${version}`], directory)
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const strict = ['--noEmit', '--strict', '--target', 'es2023', '--module', 'nodenext', '--types', 'node']
  check('drop-in: its types hold for who installs it, without any check left out', () => {
    run(process.execPath, [tsc, ...strict, '--skipLibCheck', 'false', 'test/types.ts'], directory)
  })
}

function checkCommandLine(tarballs) {
  const directory = installInto('cli', [...tarballs.keys()], tarballs)
  const bin = join(directory, 'node_modules/.bin/oss-cse')
  const script = join(directory, 'node_modules/@oss-cse/cli/bin/oss-cse.js')
  check('the command is linked and runs', () => {
    assert.match(run(bin, ['--version'], directory), /^\d+\.\d+\.\d+/)
  })
  const plaintext = Buffer.alloc(1_000_003, 'plaintext ')
  writeFileSync(join(directory, 'in'), plaintext)
  for (const [index, node] of nodes.entries()) {
    const version = run(node, ['--version'], work).trim()
    const cse = (...args) => run(node, [script, ...args], directory)
    check(`cli: keys, encrypt, decrypt and a range under ${version}`, () => {
      cse('keygen', '--out', `keys${index}`, '--bits', '2048')
      const key = ['--rsa-private-key', `keys${index}/private_key.pem`]
      cse('encrypt', 'in', '-o', 'ciphertext', '--meta-out', 'meta.json', ...key)
      assert.notDeepEqual(readFileSync(join(directory, 'ciphertext')), plaintext)
      cse('decrypt', 'ciphertext', '-o', 'out', '--meta', 'meta.json', ...key)
      assert.deepEqual(readFileSync(join(directory, 'out')), plaintext)
      cse('decrypt', 'ciphertext', '-o', 'out', '--meta', 'meta.json', '--range', '77777-99999', ...key)
      assert.deepEqual(readFileSync(join(directory, 'out')), plaintext.subarray(77_777, 100_000))
    })
    check(`cli: the demo passes under ${version}`, () => {
      cse('demo')
    })
  }
}

try {
  const tarballs = packAll()
  const core = ['@noble/ciphers', '@oss-cse/crypto-core', 'hash-wasm', 'is-network-error', 'p-retry']
  checkPackage('crypto-core', 'packages/crypto-core', ['@oss-cse/crypto-core'], core, tarballs)
  const rsa = ['@oss-cse/crypto-core', '@oss-cse/provider-rsa']
  checkPackage(
    'provider-rsa',
    'packages/provider-rsa',
    rsa,
    [...core, '@oss-cse/provider-rsa'].sort(),
    tarballs,
  )
  const kms = ['@oss-cse/crypto-core', '@oss-cse/provider-kms']
  checkPackage(
    'provider-kms',
    'packages/provider-kms',
    kms,
    [...core, '@oss-cse/provider-kms', 'lru-cache'].sort(),
    tarballs,
  )
  checkDropIn(tarballs)
  checkCommandLine(tarballs)
} finally {
  rmSync(work, { recursive: true, force: true })
}
console.log(`packed-install: ${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
