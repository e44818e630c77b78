import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { INVENTORY_MANIFEST, inventoryFiles } from '@oss-cse/fleet/testing'
import { type OssEmulator, startOssEmulator } from '@oss-cse/oss-emulator'
import {
  type PostgresServer,
  postgresPassword,
  postgresPrograms,
  startPostgres,
} from '@oss-cse/postgres-server'
import { generateRsaKeyPair } from '@oss-cse/provider-rsa'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { endAll, finish, run, start } from './command-line.ts'
import { keyPair } from './emulated-bucket.ts'

/** Three pages of a listing, and so three shards. */
const OBJECTS = 2300
/** An object of the second shard. */
const IN_SECOND = 'k1500'
/** A database is created in each test, which takes seconds of CPU. */
const TIMEOUT_MS = 600_000
const INVENTORY = ['--inventory', `oss://inventories/daily/${INVENTORY_MANIFEST}`]
const HURRY = ['--max-qps', '1000000']

let emulator: OssEmulator
let directory: string
let env: NodeJS.ProcessEnv

beforeAll(async () => {
  emulator = await startOssEmulator({
    buckets: ['demo', 'reports', 'rotated', 'inventories'],
    maxRecordedRequests: 100_000,
  })
  const keys = Array.from({ length: OBJECTS }, (_, i) => `k${String(i).padStart(4, '0')}`)
  for (const key of keys) await emulator.putStoredObject('demo', key, { bytes: new Uint8Array(1) })
  // The last object is newer than the inventory.
  const files = [keys.slice(0, 1500), keys.slice(1500, -1)].map((part) => part.map((key) => ({ key })))
  for (const [key, bytes] of await inventoryFiles('daily/', { sourceBucket: 'demo', files })) {
    await emulator.putStoredObject('inventories', key, { bytes })
  }
})
afterAll(() => emulator.close())
beforeEach(async () => {
  emulator.clearFaults()
  emulator.resetRequests()
  directory = await mkdtemp(join(tmpdir(), 'oss-cse-fleet-'))
  env = {
    OSS_ENDPOINT: emulator.endpoint,
    OSS_REGION: emulator.region,
    OSS_ACCESS_KEY_ID: emulator.accessKeyId,
    OSS_ACCESS_KEY_SECRET: emulator.accessKeySecret,
    XDG_DATA_HOME: directory,
    HOME: directory,
  }
})
afterEach(async () => {
  endAll()
  await rm(directory, { recursive: true, force: true })
})

const fleet = (...args: readonly string[]) => run(['fleet', ...args], { env })
const heads = () => emulator.requests.filter(({ method }) => method === 'HEAD').map(({ path }) => path)

/** Waits until the emulator has received a HEAD of an object. */
async function requested(key: string): Promise<void> {
  while (!heads().some((path) => path.endsWith(key))) await delay(20)
}

/** Returns what waits until a process has written a text a number of times. */
function said({ stderr }: ChildProcess, text: RegExp): (times: number) => Promise<void> {
  let all = ''
  stderr?.on('data', (chunk: Buffer) => {
    all += chunk.toString()
  })
  return async (times) => {
    while ((all.match(text)?.length ?? 0) < times) await delay(20)
  }
}

const keysOf = (report: string): string[] =>
  report
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).key)

describe('an embedded run', { timeout: TIMEOUT_MS }, () => {
  const AUDIT = ['fleet', 'audit', 'oss://demo/', '--run', 'mine', '--parallel', '1', ...HURRY]

  test('is shown while a process works on it, and continues after that process was killed', async () => {
    emulator.injectFault({ kind: 'stall', method: 'HEAD', key: IN_SECOND, count: 10 })
    const first = start(AUDIT, { env })
    await requested(IN_SECOND)
    const status = await fleet('status', 'mine', '--json')
    expect(JSON.parse(status.stdout.toString())).toMatchObject({
      run: 'mine',
      state: 'active',
      pid: first.pid,
    })
    expect(await fleet('pause', 'mine')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`The process ${first.pid} works on the run mine.`),
    })
    expect(await run(AUDIT, { env })).toMatchObject({ code: 1 })
    first.kill('SIGKILL')
    await once(first, 'exit')
    expect((await fleet('status', 'mine')).stdout.toString()).toMatch(/^state: +interrupted$/m)

    emulator.clearFaults()
    const before = heads()
    const second = await run(AUDIT, { env })
    expect(second).toMatchObject({ code: 0, stderr: 'Continuing the run mine.\n' })
    // The first shard was complete.
    expect(heads().length - before.length).toBe(OBJECTS - 1000)
    const report = await readFile(
      join(directory, 'oss-cse', 'fleet', 'mine', 'report', 'report.jsonl'),
      'utf8',
    )
    expect(new Set(keysOf(report)).size).toBe(OBJECTS)
    expect(keysOf(report)).toHaveLength(OBJECTS)
  })

  test('is planned by an inventory, after its process was killed while it read the inventory', async () => {
    const lastFile = 'daily/data/inventory-1.csv.gz'
    emulator.injectFault({ kind: 'stall', method: 'GET', key: lastFile, count: 10 })
    const first = start([...AUDIT, ...INVENTORY], { env })
    while (!emulator.requests.some(({ path }) => path.endsWith(lastFile))) await delay(20)
    first.kill('SIGKILL')
    await once(first, 'exit')
    emulator.clearFaults()
    const second = await run([...AUDIT, ...INVENTORY, '--json'], { env })
    expect(second.code).toBe(0)
    expect(JSON.parse(second.stdout.toString())).toMatchObject({
      listedKeys: OBJECTS - 1,
      shards: { completed: 3 },
      summary: { objects: OBJECTS, problemCount: 0 },
    })
  })

  test.runIf(process.platform !== 'win32')('stops at Ctrl-C, and the same command continues it', async () => {
    emulator.injectFault({ kind: 'stall', method: 'HEAD', key: IN_SECOND, count: 10 })
    const first = start(AUDIT, { env })
    await requested(IN_SECOND)
    first.kill('SIGINT')
    expect(await finish(first)).toMatchObject({
      code: 130,
      stderr: expect.stringContaining('Interrupted. Run the same command again to continue.'),
    })
    emulator.clearFaults()
    expect(await run(AUDIT, { env })).toMatchObject({ code: 0, stderr: 'Continuing the run mine.\n' })
  })
})

test('a rotation continues after its process was killed in a write', { timeout: TIMEOUT_MS }, async () => {
  emulator.setVersioning('rotated', 'Enabled')
  const pem = async (name: string, privateKey: string) => writeFile(join(directory, name), privateKey)
  const { privateKey } = await generateRsaKeyPair({ bits: 2048 })
  await pem('old.pem', keyPair.privateKey)
  await pem('new.pem', privateKey)
  const material = (name: string) => ({
    type: 'rsa',
    privateKeyFile: `${name}.pem`,
    materialDescription: { key: name },
  })
  const materials = { old: material('old'), new: material('new') }
  await writeFile(join(directory, 'keyring.json'), JSON.stringify({ encrypting: 'old', materials }))
  const cse = (...args: readonly string[]) => run(args, { env, cwd: directory })
  const old = ['--rsa-private-key', 'old.pem', '--matdesc', '{"key":"old"}']
  await writeFile(join(directory, 'plain'), 'content')
  for (let i = 10; i < 20; i++) {
    expect(await cse('put', 'plain', `oss://rotated/r${i}`, ...old)).toMatchObject({ code: 0 })
  }
  emulator.injectFault({ kind: 'stall', method: 'PUT', key: 'r15', count: 10 })
  emulator.resetRequests()
  const rotate = [
    'rotate',
    'oss://rotated/',
    '--to',
    'new',
    '--keyring',
    'keyring.json',
    '--yes',
    '--parallel',
    '1',
  ]
  const first = start(['fleet', ...rotate], { env, cwd: directory })
  const puts = () => emulator.requests.filter(({ method, path }) => method === 'PUT' && path.endsWith('r15'))
  while (puts().length === 0) await delay(20)
  first.kill('SIGKILL')
  await once(first, 'exit')
  emulator.clearFaults()
  const second = await cse('fleet', ...rotate, '--json')
  expect(second.code).toBe(0)
  expect(JSON.parse(second.stdout.toString())).toMatchObject({
    totals: { objects: 10 },
    summary: { problemCount: 0 },
  })
  const readable = [
    'verify',
    '--recursive',
    'oss://rotated/',
    '--rsa-private-key',
    'new.pem',
    '--matdesc',
    '{"key":"new"}',
  ]
  expect(await cse(...readable)).toMatchObject({ code: 0 })
})

/** Where PostgreSQL is not installed these are skipped, but not in CI: there they fail. */
describe.skipIf(postgresPrograms() === undefined && process.env['CI'] === undefined)(
  'a run in PostgreSQL',
  { timeout: TIMEOUT_MS },
  () => {
    let server: PostgresServer

    beforeAll(async () => {
      server = await startPostgres()
    })
    afterAll(() => server?.remove())
    beforeEach(() => {
      env = { ...env, OSS_CSE_FLEET_QUEUE: server.connectionString }
    })

    const work = (...args: readonly string[]) => start(['fleet', ...args, ...HURRY], { env })

    /** Starts a run of 100 objects, and interrupts it before its only shard is complete. */
    async function begun(id: string): Promise<void> {
      emulator.resetRequests()
      emulator.injectFault({ kind: 'stall', method: 'HEAD', key: 'k0050', count: 10 })
      const first = work('audit', 'oss://demo/k00', '--report', 'oss://reports/', '--run', id)
      await requested('k0050')
      first.kill('SIGINT')
      expect(await finish(first)).toMatchObject({ code: 130 })
      emulator.clearFaults()
    }

    async function finished(id: string): Promise<void> {
      for (;;) {
        const { stdout } = await fleet('status', id, '--json')
        if (JSON.parse(stdout.toString()).state === 'finished') return
      }
    }

    test('is done by several processes, and its report has each object once', async () => {
      const worker = finish(work('worker', '--wait'))
      const args = [
        'audit',
        'oss://demo/',
        '--report',
        'oss://reports/',
        '--run',
        'all',
        '--parallel',
        '1',
        '--json',
      ]
      const { code, stdout, stderr } = await finish(work(...args))
      expect([code, stderr]).toEqual([0, ''])
      expect(JSON.parse(stdout.toString())).toMatchObject({
        totals: { objects: OBJECTS, plain: OBJECTS },
        summary: { problemCount: 0 },
      })
      endAll()
      await worker
      const stored = await emulator.getStoredObject('reports', 'all/report.jsonl')
      expect(keysOf(Buffer.from(stored?.bytes ?? []).toString())).toHaveLength(OBJECTS)
    })

    test('is planned by an inventory, by several processes at once', async () => {
      const args = ['audit', 'oss://demo/', ...INVENTORY, '--report', 'oss://reports/', '--run', 'planned']
      const worker = finish(work('worker', '--wait'))
      const { code, stdout } = await finish(work(...args, '--json'))
      expect(code).toBe(0)
      expect(JSON.parse(stdout.toString())).toMatchObject({
        listedKeys: OBJECTS - 1,
        summary: { objects: OBJECTS, problemCount: 0 },
      })
      endAll()
      await worker
    })

    test('is continued by a worker on another machine, after its own command was interrupted', async () => {
      emulator.injectFault({ kind: 'stall', method: 'HEAD', key: IN_SECOND, count: 10 })
      const args = ['audit', 'oss://demo/', '--report', 'oss://reports/', '--run', 'mine', '--parallel', '1']
      const first = work(...args)
      await requested(IN_SECOND)
      first.kill('SIGINT')
      expect(await finish(first)).toMatchObject({ code: 130 })
      emulator.clearFaults()
      const worker = await finish(work('worker', '--json'))
      expect(worker.code).toBe(0)
      expect(JSON.parse(worker.stdout.toString())).toMatchObject({
        runs: [{ run: 'mine', state: 'finished' }],
      })
      const report = await fleet('report', 'mine', '--json')
      expect(JSON.parse(report.stdout.toString())).toMatchObject({
        summary: { objects: OBJECTS, problemCount: 0 },
      })
    })

    test('a worker keeps asking a database that is away, and a command that is started then fails', async () => {
      await begun('later')
      expect(await fleet('pause', 'later')).toMatchObject({ code: 0 })
      await begun('first')
      const worker = work('worker', '--wait')
      const away = /The queue cannot be reached/g
      const told = said(worker, away)
      const ended = finish(worker)
      await finished('first')

      await server.stop()
      try {
        // Its queue has then repeated the call for seconds.
        await Promise.race([told(1), ended])
        expect(worker.exitCode).toBeNull()
        const late = await Promise.all([fleet('worker'), fleet('status')])
        expect(late.map(({ code }) => code)).toEqual([5, 5])
        await server.start()
        expect(await fleet('resume', 'later')).toMatchObject({ code: 0 })
        await Promise.race([finished('later'), ended])

        await server.stop()
        await Promise.race([told(2), ended])
        worker.kill('SIGTERM')
        const { code, stderr } = await ended
        expect([code, stderr.match(away)]).toEqual([130, Array(2).fill(expect.anything())])
      } finally {
        await server.start()
      }
    })

    test('prints no password when the database refuses or cannot be reached', async () => {
      const wrong = server.connectionString.replace('postgres://postgres:', 'postgres://nobody:')
      const refused = await run(['fleet', 'status', '--queue', wrong], {
        env: { ...env, OSS_CSE_DEBUG: '1' },
      })
      expect(refused.code).toBe(5)
      expect(refused.stderr).not.toContain(postgresPassword)
      expect(refused.stderr).not.toContain(encodeURIComponent(postgresPassword))
    })
  },
)
