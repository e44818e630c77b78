// Runs the built tool, as users get it, on whichever Node.js this is: `pnpm run test:matrix`.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const bin = fileURLToPath(new URL('../bin/oss-cse.js', import.meta.url))
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
const directory = mkdtempSync(join(tmpdir(), 'oss-cse-smoke-'))

const emulator = spawn(process.execPath, [bin, 'emulator', '--kms', '--json'], { cwd: directory })

function oss(args, input, env) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...args], {
    cwd: directory,
    input,
    // Nothing of the user's own: no credentials, no checkpoints.
    env: { PATH: process.env.PATH, HOME: directory, USERPROFILE: directory, ...env },
  })
  return { status, stdout, stderr: stderr.toString() }
}

try {
  assert.equal(oss(['--version']).stdout.toString(), `${version}\n`)
  assert.match(oss(['--help']).stdout.toString(), /130 {2}interrupted/)
  assert.equal(oss(['no-such-command']).status, 2)

  const [major, minor] = process.versions.node.split('.').map(Number)
  const runs = oss(['fleet', 'status'])
  if (major > 22 || (major === 22 && minor >= 12))
    assert.equal(runs.stdout.toString(), 'There are no runs.\n')
  else assert.match(runs.stderr, /need Node\.js 22\.12 or newer/)

  assert.equal(oss(['keygen', '--out', 'keys', '--bits', '2048']).status, 0)
  assert.equal(statSync(join(directory, 'keys/private_key.pem')).mode & 0o777, 0o600)
  assert.equal(oss(['keygen', '--out', 'keys', '--bits', '2048']).status, 2)

  const plaintext = Buffer.from('smoke '.repeat(100_000))
  writeFileSync(join(directory, 'plain'), plaintext)
  const key = ['--rsa-private-key', 'keys/private_key.pem']
  const encrypt = [
    'encrypt',
    'plain',
    '-o',
    'enc',
    '--meta-out',
    'meta.json',
    '--rsa-public-key',
    'keys/public_key.pem',
  ]
  assert.deepEqual(oss([...encrypt, '--quiet']), { status: 0, stdout: Buffer.alloc(0), stderr: '' })
  const decrypted = oss(['decrypt', 'enc', '-o', '-', '--meta', 'meta.json', ...key])
  assert.deepEqual([decrypted.status, decrypted.stderr], [0, ''])
  assert.ok(decrypted.stdout.equals(plaintext))
  const piped = oss(
    ['decrypt', '-', '-o', '-', '--meta', 'meta.json', '--range', '-7', ...key],
    readFileSync(join(directory, 'enc')),
  )
  assert.equal(piped.stdout.toString(), ' smoke ')
  assert.equal(JSON.parse(oss(['inspect', 'meta.json', '--json']).stdout).encrypted, true)

  oss(['keygen', '--out', 'other', '--bits', '2048'])
  const stranger = oss([
    'decrypt',
    'enc',
    '-o',
    'out',
    '--meta',
    'meta.json',
    '--rsa-private-key',
    'other/private_key.pem',
  ])
  assert.equal(stranger.status, 6)
  assert.match(stranger.stderr, /^oss-cse: .*\[ERR_CSE_UNWRAP_FAILED\]\n$/)
  assert.equal(oss(['ls', 'oss://bucket', '--endpoint', 'http://localhost:1']).status, 3)

  const [line] = await once(emulator.stdout, 'data')
  const { endpoint, region, accessKeyId, accessKeySecret, kmsEndpoint, kmsKeyId } = JSON.parse(line)
  const server = { OSS_ENDPOINT: endpoint, OSS_REGION: region, OSS_CSE_KMS_ENDPOINT: kmsEndpoint }
  const variables = { ...server, OSS_ACCESS_KEY_ID: accessKeyId, OSS_ACCESS_KEY_SECRET: accessKeySecret }
  const kms = ['--kms-key-id', kmsKeyId]
  assert.equal(oss(['put', 'plain', 'oss://demo/plain', ...kms], '', variables).status, 0)
  const object = JSON.parse(oss(['stat', 'oss://demo/plain', '--json'], '', variables).stdout)
  assert.equal(object.envelope.wrapAlgorithm, 'KMS/ALICLOUD')
  assert.equal(oss(['get', 'oss://demo/plain', 'got', ...kms], '', variables).status, 0)
  assert.ok(readFileSync(join(directory, 'got')).equals(plaintext))
  // The same from the standard chain, whose package is loaded for it.
  const chain = {
    ...server,
    ALIBABA_CLOUD_ACCESS_KEY_ID: accessKeyId,
    ALIBABA_CLOUD_ACCESS_KEY_SECRET: accessKeySecret,
  }
  assert.deepEqual(oss(['cat', 'oss://demo/plain', '--range', '0-4', ...kms], '', chain), {
    status: 0,
    stdout: Buffer.from('smoke'),
    stderr: '',
  })
  emulator.kill('SIGTERM')
  const [code] = await once(emulator, 'exit')
  assert.equal(code, 0)
} finally {
  emulator.kill('SIGKILL')
  rmSync(directory, { recursive: true, force: true })
}
console.log(`cli: ok on Node.js ${process.version}`)
