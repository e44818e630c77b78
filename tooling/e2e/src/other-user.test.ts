import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type OssEmulator, startOssEmulator } from '@oss-cse/oss-emulator'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { endAll, type Finished, finish, run, start } from './command-line.ts'
import { bucketOf, keyPair, random } from './emulated-bucket.ts'

/** Another user of the machine: `nobody`, who owns nothing and is in no group. */
const OTHER = 65_534
const PART = 100 * 1024
const SIZE = 4 * PART

let emulator: OssEmulator
let own: string
let shared: string

beforeEach(async (context) => {
  if (process.getuid?.() !== 0) context.skip('Only root can act as a second user.')
  emulator = await startOssEmulator({ buckets: ['demo'] })
  own = await mkdtemp(join(tmpdir(), 'oss-cse-own-'))
  await writeFile(join(own, 'private.pem'), keyPair.privateKey, { mode: 0o600 })
  // As /tmp is.
  shared = await mkdtemp(join(tmpdir(), 'oss-cse-shared-'))
  await chmod(shared, 0o1777)
})
afterEach(async () => {
  endAll()
  await emulator?.close()
  for (const directory of [own, shared]) if (directory) await rm(directory, { recursive: true, force: true })
})

const environment = () => ({
  OSS_ENDPOINT: emulator.endpoint,
  OSS_REGION: emulator.region,
  OSS_ACCESS_KEY_ID: emulator.accessKeyId,
  OSS_ACCESS_KEY_SECRET: emulator.accessKeySecret,
  OSS_CSE_CHECKPOINT_DIR: join(own, 'checkpoints'),
})
const options = () => ({ cwd: own, env: environment() })
const cse = (args: readonly string[]): Promise<Finished> => run(args, options())
const key = ['--rsa-private-key', 'private.pem']
const inParts = ['--part-size', '100KiB', '--multipart-threshold', '100KiB', '--parallel', '1']

/** Runs a program as the other user, in the shared directory; what it printed. */
function asOther(program: string): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', program], {
    cwd: shared,
    uid: OTHER,
    gid: OTHER,
    encoding: 'utf8',
  })
  expect([status, stderr]).toEqual([0, ''])
  return stdout
}

/** What the other user can read of the files there, by name. */
function readByOther(): Record<string, string> {
  return JSON.parse(
    asOther(`const fs = require('node:fs')
      const read = (name) => { try { return fs.readFileSync(name, 'latin1') } catch (error) { return error.code } }
      console.log(JSON.stringify(Object.fromEntries(fs.readdirSync('.').map((name) => [name, read(name)]))))`),
  )
}

describe('another user of the machine', () => {
  test.each(['0o700', '0o755', '0o777'])(
    'who makes the checkpoint directory first (mode %s) stops the upload, before any request',
    async (mode) => {
      await writeFile(join(own, 'in'), random(SIZE))
      asOther(
        `require('node:fs').mkdirSync('checkpoints'); require('node:fs').chmodSync('checkpoints', ${mode})`,
      )
      const directory = join(shared, 'checkpoints')
      const { code, stderr } = await cse([
        ...['put', 'in', 'oss://demo/big', ...inParts, ...key],
        ...['--checkpoint-dir', directory],
      ])
      expect([code, stderr]).toEqual([3, expect.stringContaining(`${directory} is not trusted`)])
      expect(stderr).toContain('[ERR_CSE_CHECKPOINT]')
      expect(emulator.requests).toEqual([])
      expect(await readdir(directory)).toEqual([])
    },
  )

  test('cannot add a record to a directory that was made by the command there', async () => {
    await writeFile(join(own, 'in'), random(SIZE))
    const directory = join(shared, 'checkpoints')
    emulator.injectFault({ kind: 'stall', method: 'PUT', partNumber: 2 })
    const child = start(
      ['put', 'in', 'oss://demo/big', ...inParts, ...key, '--checkpoint-dir', directory],
      options(),
    )
    const finished = finish(child)
    await stalled()
    expect(readByOther()).toEqual({ checkpoints: 'EACCES' })
    expect(
      asOther(
        `try { require('node:fs').writeFileSync('checkpoints/x', '') } catch ({ code }) { console.log(code) }`,
      ),
    ).toBe('EACCES\n')
    child.kill('SIGINT')
    expect(await finished).toMatchObject({ code: 130 })
  })

  test.each(['--resume', '--no-resume'])(
    'reads nothing of a private file while it is replaced (%s), nor afterwards',
    async (resume) => {
      const bytes = random(SIZE)
      await bucketOf(emulator).put('big', bytes)
      await writeFile(join(shared, 'out'), 'old', { mode: 0o600 })
      emulator.injectFault({ kind: 'slow', delayMs: 0, method: 'GET', key: 'big', count: 2 })
      emulator.injectFault({ kind: 'stall', method: 'GET', key: 'big', count: 1 })
      const get = ['get', 'oss://demo/big', join(shared, 'out'), ...inParts, ...key]
      const child = start(resume === '--no-resume' ? [...get, resume] : get, options())
      const finished = finish(child)
      await stalled()
      expect(Object.values(readByOther())).toEqual(['EACCES', 'EACCES'])
      child.kill('SIGINT')
      expect(await finished).toMatchObject({ code: 130 })
      expect(await cse(get)).toMatchObject({ code: 0 })
      expect(new Uint8Array(await readFile(join(shared, 'out')))).toEqual(bytes)
      expect(readByOther()).toEqual({ out: 'EACCES' })
      expect((await stat(join(shared, 'out'))).mode & 0o777).toBe(0o600)
    },
  )

  test('who puts a link at the temporary name has nothing written through it', async () => {
    const bytes = random(SIZE)
    await bucketOf(emulator).put('big', bytes)
    const victim = join(own, 'victim')
    await writeFile(victim, 'untouched')
    // Not sticky: there the kernel follows anybody's links, whatever fs.protected_symlinks says.
    await chmod(shared, 0o777)
    const get = ['get', 'oss://demo/big', join(shared, 'out'), ...inParts, ...key]
    emulator.injectFault({ kind: 'slow', delayMs: 0, method: 'GET', key: 'big', count: 2 })
    emulator.injectFault({ kind: 'stall', method: 'GET', key: 'big', count: 1 })
    const child = start(get, options())
    const finished = finish(child)
    await stalled()
    child.kill('SIGKILL')
    await finished
    const [temporary = 'none'] = (await readdir(shared)).filter((name) => name.endsWith('.part'))
    expect(temporary).toMatch(/^\.oss-cse-/)
    asOther(`const fs = require('node:fs')
      fs.unlinkSync(${JSON.stringify(temporary)})
      fs.symlinkSync(${JSON.stringify(victim)}, ${JSON.stringify(temporary)})`)
    expect(await cse(get)).toMatchObject({ code: 0 })
    expect(new Uint8Array(await readFile(join(shared, 'out')))).toEqual(bytes)
    expect(await readFile(victim, 'utf8')).toBe('untouched')
    expect(await readdir(shared)).toEqual(['out'])
  })

  test('who puts a link at the final name has nothing written through it', async () => {
    await bucketOf(emulator).put('a', 'text')
    const victim = join(own, 'victim')
    await writeFile(victim, 'untouched')
    await writeFile(join(own, 'in'), 'x')
    asOther(`require('node:fs').symlinkSync(${JSON.stringify(victim)}, 'out')`)
    const out = join(shared, 'out')
    for (const args of [
      ['get', 'oss://demo/a', out, ...key],
      ['get', 'oss://demo/a', out, '--no-resume', ...key],
      ['encrypt', 'in', '-o', out, '--meta-out', 'meta', ...key],
      ['encrypt', 'in', '-o', 'cipher', '--meta-out', out, ...key],
    ]) {
      expect(await cse(args)).toMatchObject({ code: 2, stderr: expect.stringContaining('is not followed') })
    }
    expect(await readFile(victim, 'utf8')).toBe('untouched')
  })

  test('who makes a file at the final name does not choose who can read what replaces it', async () => {
    await bucketOf(emulator).put('a', 'text')
    asOther(`require('node:fs').writeFileSync('out', 'lure'); require('node:fs').chmodSync('out', 0o666)`)
    const umask = process.umask(0o077)
    try {
      expect(await cse(['get', 'oss://demo/a', join(shared, 'out'), ...key])).toMatchObject({ code: 0 })
    } finally {
      process.umask(umask)
    }
    expect(readByOther()).toEqual({ out: 'EACCES' })
    expect(await stat(join(shared, 'out'))).toMatchObject({ uid: 0, gid: 0 })
  })

  test('who makes a pipe at the final name is sent nothing', async () => {
    await bucketOf(emulator).put('a', 'text')
    asOther(`require('node:child_process').execFileSync('mkfifo', ['-m', '666', 'out'])`)
    const reader = spawn('cat', [join(shared, 'out')], {
      uid: OTHER,
      gid: OTHER,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const read: Buffer[] = []
    reader.stdout.on('data', (chunk: Buffer) => read.push(chunk))
    const ended = once(reader, 'close')
    expect(await cse(['get', 'oss://demo/a', join(shared, 'out'), ...key])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('of another user'),
    })
    await ended
    expect(Buffer.concat(read).toString()).toBe('')
  })

  test('who made the directory of a download gets no decrypted byte from it', async () => {
    await bucketOf(emulator).put('big', random(SIZE))
    asOther(`require('node:fs').mkdirSync('theirs'); require('node:fs').chmodSync('theirs', 0o777)`)
    const umask = process.umask(0o077)
    try {
      expect(await cse(['get', 'oss://demo/big', join(shared, 'theirs', 'out'), ...key])).toMatchObject({
        code: 0,
      })
    } finally {
      process.umask(umask)
    }
    expect((await stat(join(shared, 'theirs', 'out'))).mode & 0o777).toBe(0o600)
    expect(
      asOther(`try { require('node:fs').readFileSync('theirs/out') } catch ({ code }) { console.log(code) }`),
    ).toBe('EACCES\n')
  })

  test.each(['private.pem', 'keyring.json'])(
    'who can write %s stops the command that uses it',
    async (name) => {
      await writeFile(
        join(own, 'keyring.json'),
        JSON.stringify({
          materials: { one: { type: 'rsa', privateKeyFile: 'private.pem' } },
          encrypting: 'one',
        }),
      )
      await writeFile(join(own, 'in'), 'x')
      await chmod(join(own, name), 0o666)
      const keys = name === 'private.pem' ? key : ['--keyring', 'keyring.json']
      const { code, stderr } = await cse(['put', 'in', 'oss://demo/a', ...keys])
      expect([code, stderr]).toEqual([3, expect.stringContaining(`chmod o-w ${name}`)])
      expect(emulator.requests).toEqual([])
      await chmod(join(own, name), 0o664)
      expect(await cse(['put', 'in', 'oss://demo/a', ...keys])).toMatchObject({ code: 0 })
    },
  )
})

/** Waits until a request stalls. */
async function stalled(): Promise<void> {
  await new Promise<void>((resolve) => {
    const poll = () =>
      emulator.requests.some(({ fault }) => fault === 'stall') ? resolve() : setImmediate(poll)
    poll()
  })
}
