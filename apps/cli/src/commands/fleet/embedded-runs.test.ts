import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { TransportError } from '@oss-cse/crypto-core'
import type { MemoryTransport, RecordedRequest } from '@oss-cse/crypto-core/testing'
import { INVENTORY_MANIFEST, inventoryFiles } from '@oss-cse/fleet/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type KeyArguments, writeKeyFiles } from '../../testing/key-files.ts'
import { MemoryQueues } from '../../testing/memory-queues.ts'
import { MemoryServer, type Outcome, type RunOptions, run, temporaryDirectory } from '../../testing/shell.ts'

const directory = temporaryDirectory()
const TODAY = new Date().toISOString().slice(0, 10)
/** More than one page of a listing, so that there are two shards. */
const MANY = 1300

let keys: KeyArguments
let server: MemoryServer
let queues: MemoryQueues
let runs: string
let count = 0

beforeAll(async () => {
  keys = await writeKeyFiles(directory.path)
})
afterAll(() => directory.remove())
beforeEach(() => {
  server = new MemoryServer()
  queues = new MemoryQueues()
  count++
  runs = join(directory.path, `runs-${count}`)
})

const bucket = (): MemoryTransport => server.bucket('demo')
const fleet = (argv: readonly string[], options: RunOptions = {}): Promise<Outcome> =>
  run(server, ['fleet', ...argv], {
    openJobQueue: queues.open,
    ...options,
    env: { OSS_CSE_FLEET_DIR: runs, ...options.env },
  })
const audit = (argv: readonly string[] = [], options?: RunOptions): Promise<Outcome> =>
  fleet(['audit', 'oss://demo/', '--max-qps', '1000000', ...argv], options)

const rowsOf = (id: string): Record<string, unknown>[] =>
  readFileSync(join(runs, id, 'report', 'report.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
const heads = (): string[] =>
  bucket()
    .requests.filter(({ operation }) => operation === 'head')
    .map(({ key }) => key)

async function plantMany(): Promise<void> {
  for (let i = 0; i < MANY; i++) await bucket().plant(`k${String(i).padStart(4, '0')}`, new Uint8Array(1))
}

async function put(key: string, ...argv: readonly string[]): Promise<void> {
  const put = ['put', '-', `oss://demo/${key}`, ...keys.own, ...argv]
  const { code } = await run(server, put, { stdin: Buffer.from('plaintext') })
  expect(code).toBe(0)
}

/** Refuses the requests that a test names. */
function failing(matches: (request: RecordedRequest) => boolean, status: 403 | 500): void {
  bucket().intercept = (request) => {
    if (!matches(request)) return
    throw new TransportError(status === 403 ? 'ERR_CSE_ACCESS_DENIED' : 'ERR_CSE_SERVICE', 'refused', {
      status,
      retryable: false,
    })
  }
}

describe('audit', () => {
  test('reports how each object is encrypted and under which key, without a key', async () => {
    await put('a', '--matdesc', '{"key":"one"}')
    await put('b', '--sealed', '--matdesc', '{"key":"two"}')
    await bucket().plant('c', new Uint8Array(5))
    const { code, stdout, stderr } = await audit()
    const id = `audit-demo-${TODAY}`
    expect([code, stderr]).toEqual([0, `Run ${id}.\n`])
    expect(stdout.toString()).toMatch(/^Objects: 3\. .*\n[\s\S]*1 +\d+ +sealed\n[\s\S]*\{"key":"one"\}/)
    expect(stdout.toString()).toContain(`Report: ${join(runs, id, 'report', 'report.jsonl')}\n`)
    expect(rowsOf(id)).toMatchObject([
      { key: 'a', outcome: 'encrypted', format: 'aes-ctr', materialDescription: { key: 'one' } },
      { key: 'b', outcome: 'encrypted', format: 'sealed', materialDescription: { key: 'two' } },
      { key: 'c', outcome: 'plain', sizeBytes: 5 },
    ])
  })

  test('keeps everything in a directory that only the user can read, and no queue after the end', async () => {
    await put('a')
    await audit(['--run', 'mine'])
    expect(statSync(join(runs, 'mine')).mode & 0o777).toBe(0o700)
    expect(statSync(join(runs, 'mine', 'run.json')).mode & 0o777).toBe(0o600)
    expect(existsSync(join(runs, 'mine', 'queue'))).toBe(false)
  })

  test('--json prints one object, and nothing on stderr', async () => {
    await put('a')
    const { code, stderr, json } = await audit(['--json', '--run', 'mine'])
    expect([code, stderr]).toEqual([0, ''])
    expect(json()).toMatchObject({
      run: 'mine',
      command: 'audit',
      bucket: 'demo',
      prefix: '',
      state: 'finished',
      listedKeys: 1,
      shards: { completed: 1, failed: 0 },
      totals: { objects: 1, encrypted: 1 },
      summary: { objects: 1, problemCount: 0 },
      report: { place: join(runs, 'mine', 'report') },
    })
  })

  test('--quiet prints nothing', async () => {
    await put('a')
    expect(await audit(['--quiet'])).toMatchObject({ code: 0, stdout: Buffer.alloc(0), stderr: '' })
  })

  test('--limit covers the first keys, in byte order', async () => {
    for (const key of ['b', 'a', 'ä', 'c']) await put(key)
    const { json } = await audit(['--limit', '2', '--json'])
    expect(json()).toMatchObject({ listedKeys: 2, totals: { objects: 2 } })
    expect(heads()).toEqual(['a', 'b'])
  })

  describe('--inventory', () => {
    const URL = `oss://inventories/daily/${INVENTORY_MANIFEST}`
    const listings = (): number => bucket().requests.filter(({ operation }) => operation === 'list').length

    /** Writes an inventory of keys, the last ones first. */
    async function plantInventory(keys: readonly string[], sourceBucket = 'demo'): Promise<void> {
      const files = [keys.toReversed().map((key) => ({ key }))]
      for (const [key, bytes] of await inventoryFiles('daily/', { sourceBucket, files })) {
        await server.bucket('inventories').plant(key, bytes)
      }
    }

    test('divides the keys, and the listing decides what is done', async () => {
      await plantMany()
      await plantInventory(['gone', ...bucket().objects.keys()])
      await bucket().plant('new', new Uint8Array(1))
      const { code, json } = await audit(['--inventory', URL, '--json', '--run', 'mine'])
      expect(code).toBe(0)
      expect(json()).toMatchObject({
        listedKeys: MANY + 1,
        shards: { completed: 2 },
        summary: { objects: MANY + 1, problemCount: 0 },
      })
      expect(rowsOf('mine').at(-1)).toMatchObject({ key: 'new' })
      // One for the first shard, which ends before its page does; one for the other.
      expect(listings()).toBe(2)
    })

    test('belongs to the settings of a run: it is not continued with another one, or without it', async () => {
      await plantMany()
      await plantInventory([...bucket().objects.keys()])
      failing(({ operation }) => operation === 'list', 403)
      await audit(['--inventory', URL])
      bucket().intercept = undefined
      expect(await audit()).toMatchObject({ code: 0, stderr: `Run audit-demo-${TODAY}-2.\n` })
      // The manifest is not needed any more.
      server.bucket('inventories').objects.clear()
      expect(await audit(['--inventory', URL])).toMatchObject({
        code: 0,
        stderr: `Continuing the run audit-demo-${TODAY}.\n`,
      })
    })

    test.each([
      ['of another bucket', () => plantInventory(['a'], 'other'), 2],
      ['that does not exist', async () => {}, 4],
    ])('one %s starts no run', async (_, prepare, code) => {
      await prepare()
      expect(await audit(['--inventory', URL])).toMatchObject({ code })
      expect(existsSync(runs) ? readdirSync(runs) : []).toEqual([])
    })

    test('a file of it that is damaged stops the run, and nothing is done', async () => {
      await put('a')
      await plantInventory(['a'])
      const [file = ''] = server.bucket('inventories').objects.keys()
      await server.bucket('inventories').plant(file, new Uint8Array(9))
      expect(await audit(['--inventory', URL])).toMatchObject({
        code: 6,
        stderr: expect.stringContaining(`${file} of the inventory is damaged`),
      })
      expect(heads()).toEqual([])
    })

    test.each([
      ['--limit', '1'],
      ['--retry-failed', 'other'],
    ])('is refused with %s', async (...more) => {
      expect(await audit(['--inventory', URL, ...more])).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('cannot be used with'),
      })
    })

    test.each(['manifest.json', 'oss://inventories/'])('%s is no manifest', async (url) => {
      expect(await audit(['--inventory', url])).toMatchObject({ code: 2 })
    })
  })

  test('--report names another directory, in which the run has its own', async () => {
    await put('a')
    const place = join(directory.path, 'reports')
    await audit(['--report', place, '--run', 'mine'])
    expect(readdirSync(join(place, 'mine')).sort()).toEqual([
      'parts',
      'report.csv',
      'report.jsonl',
      'summary.json',
    ])
  })

  test('--report names a bucket, and no place among the objects of the run', async () => {
    await put('a')
    expect(await audit(['--report', 'oss://demo/reports/'])).toMatchObject({ code: 2 })
    expect(await audit(['--report', 'oss://other/reports', '--run', 'mine'])).toMatchObject({ code: 0 })
    expect([...server.bucket('other').objects.keys()].sort()).toEqual([
      'reports/mine/parts/0000000000-0001.jsonl',
      'reports/mine/report.csv',
      'reports/mine/report.jsonl',
      'reports/mine/summary.json',
    ])
  })

  test('--redact-keys leaves no key in the report', async () => {
    await put('jane-doe.pdf')
    await audit(['--redact-keys', '--run', 'one'])
    const [row] = rowsOf('one')
    expect(row).toMatchObject({ keyHash: expect.stringMatching(/^[0-9a-f]{64}$/) })
    const report = join(runs, 'one', 'report')
    for (const name of readdirSync(report, { recursive: true, withFileTypes: true })) {
      if (name.isFile()) expect(readFileSync(join(name.parentPath, name.name), 'utf8')).not.toContain('jane')
    }
  })

  test('--redact-keys hashes under the secret of the environment, and refuses a short one', async () => {
    await put('a')
    const hash = async (secret: string, id: string): Promise<unknown> => {
      await audit(['--redact-keys', '--run', id], { env: { OSS_CSE_FLEET_REDACTION_SECRET: secret } })
      return rowsOf(id)[0]?.['keyHash']
    }
    const secret = Buffer.alloc(32, 'secret').toString('base64')
    const other = Buffer.alloc(32, 'other').toString('base64')
    expect(await hash(secret, 'one')).toBe(await hash(secret, 'two'))
    expect(await hash(other, 'three')).not.toBe(await hash(secret, 'four'))
    const short = await audit(['--redact-keys'], { env: { OSS_CSE_FLEET_REDACTION_SECRET: 'c2hvcnQ=' } })
    expect(short).toMatchObject({ code: 3 })
    expect(short.stderr).not.toContain('c2hvcnQ=')
  })

  test('an empty prefix is audited, has no objects, and is a warning', async () => {
    const { code, stderr, json } = await audit(['--json'])
    expect(json()).toMatchObject({ totals: { objects: 0 }, summary: { problemCount: 0 } })
    // A misspelled prefix looks the same.
    expect([code, stderr]).toEqual([0, expect.stringContaining('warning: No key begins with oss://demo/')])
  })

  test('a whole bucket needs the slash, and nothing is stored for invalid arguments', async () => {
    expect(await fleet(['audit', 'oss://demo'])).toMatchObject({ code: 2 })
    expect(await fleet(['audit', 'oss://demo/', '--max-qps', '0'])).toMatchObject({ code: 2 })
    expect(await fleet(['audit', 'oss://demo/', '--run', '../x'])).toMatchObject({ code: 2 })
    expect(await fleet(['audit', 'oss://demo/'], { env: { OSS_ACCESS_KEY_ID: '' } })).toMatchObject({
      code: 3,
    })
    expect(existsSync(runs)).toBe(false)
  })
})

describe('the same command', () => {
  test('begins a new run after the end of the first', async () => {
    await put('a')
    await audit()
    expect((await audit()).stderr).toBe(`Run audit-demo-${TODAY}-2.\n`)
  })

  test('continues a run that was interrupted, with the shards that were not complete', async () => {
    await plantMany()
    const interrupt = new AbortController()
    bucket().intercept = async ({ operation, key }) => {
      if (operation !== 'head' || key !== 'k1200') return
      // The other shard is complete then.
      const [id = ''] = readdirSync(runs)
      const queue = queues.at(join(runs, id, 'queue'))
      while ((await queue.getRun(id)).shards.completed === 0) await queue.wait(id)
      interrupt.abort()
    }
    const first = await audit([], { signal: interrupt.signal })
    expect(first.code).toBe(130)
    expect(first.stderr).toContain('Interrupted. Run the same command again to continue.')
    const id = `audit-demo-${TODAY}`
    expect((await fleet(['status', id, '--json'])).json()).toMatchObject({
      state: 'active',
      shards: { completed: 1, taken: 0 },
    })
    expect((await fleet(['status', id])).stdout.toString()).toMatch(/^shards: +1 of 2$/m)

    bucket().intercept = undefined
    bucket().requests.length = 0
    const second = await audit()
    expect([second.code, second.stderr]).toEqual([0, `Continuing the run ${id}.\n`])
    expect(rowsOf(id).map(({ key }) => key)).toEqual([...bucket().objects.keys()])
    expect(heads()).toHaveLength(MANY - 1000)
  })

  test('with other settings begins another run', async () => {
    await put('a')
    failing(({ operation }) => operation === 'list', 500)
    expect(await audit()).toMatchObject({ code: 5 })
    bucket().intercept = undefined
    expect((await audit(['--redact-keys'])).stderr).toBe(`Run audit-demo-${TODAY}-2.\n`)
    expect((await audit(['--parallel', '2'])).stderr).toBe(`Continuing the run audit-demo-${TODAY}.\n`)
  })

  test('refuses the name of a run that has other settings or is over', async () => {
    await put('a')
    await audit(['--run', 'mine'])
    const { code, stderr } = await audit(['--run', 'mine', '--redact-keys'])
    expect([code, stderr]).toEqual([2, expect.stringContaining('There is a run mine already')])
  })
})

describe('failures', () => {
  test('of objects decide the exit code, and --retry-failed does only their ranges again', async () => {
    for (const key of ['a', 'b', 'c', 'd', 'e']) await put(key)
    failing(({ operation, key }) => operation === 'head' && 'bd'.includes(key), 500)
    const first = await audit(['--run', 'first'])
    expect(first.code).toBe(5)
    expect(first.stderr).toContain(
      '2 of 5 objects failed. Correct the cause, and try these again with --retry-failed first.',
    )
    bucket().intercept = undefined
    bucket().requests.length = 0
    const { code, json } = await audit(['--retry-failed', 'first', '--json'])
    expect([code, heads()]).toEqual([0, ['b', 'c', 'd']])
    expect(json()).toMatchObject({ totals: { objects: 3, encrypted: 3 }, summary: { problemCount: 0 } })
  })

  test('--retry-failed is refused with --limit', async () => {
    expect(await audit(['--retry-failed', 'first', '--limit', '1'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('cannot be used with'),
    })
  })

  test('--retry-failed refuses a run without failures, and one about other objects', async () => {
    await put('a')
    await audit(['--run', 'good'])
    expect(await audit(['--retry-failed', 'good'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Nothing failed'),
    })
    expect(await audit(['--retry-failed', 'none'])).toMatchObject({ code: 2 })
    expect(await fleet(['audit', 'oss://demo/p/', '--retry-failed', 'good'])).toMatchObject({ code: 2 })
    expect(readdirSync(runs)).toEqual(['good'])
  })

  test('of many objects for a common reason pause the run, and the same command continues it', async () => {
    for (let i = 0; i < 30; i++) await bucket().plant(`k${i}`, new Uint8Array(1))
    failing(({ operation }) => operation === 'head', 403)
    const { code, stderr } = await audit(['--run', 'mine'])
    expect(code).toBe(3)
    expect(stderr).toMatch(/The run mine is paused\. .*ERR_CSE_ACCESS_DENIED.*run the same command again/)
    expect((await fleet(['status', 'mine', '--json'])).json()).toMatchObject({
      state: 'paused',
      reason: expect.stringContaining('ERR_CSE_ACCESS_DENIED'),
    })
    bucket().intercept = undefined
    expect(await audit(['--run', 'mine'])).toMatchObject({ code: 0, stderr: 'Continuing the run mine.\n' })
  })

  test('of a shard leave a run that the same command completes', async () => {
    await put('a')
    server.bucket('reports').intercept = ({ operation }) => {
      if (operation === 'put')
        throw new TransportError('ERR_CSE_SERVICE', 'refused', { status: 409, retryable: false })
    }
    const argv = ['--run', 'mine', '--report', 'oss://reports/']
    const refused = await audit(argv)
    expect(refused.code).toBe(5)
    server.bucket('reports').intercept = ({ operation, key }) => {
      if (operation === 'put' && key.includes('parts/'))
        throw new TransportError('ERR_CSE_SERVICE', 'refused', { status: 409, retryable: false })
    }
    const { code, stderr } = await audit(argv)
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining('Shards that failed: 1. The same command tries them again.'),
    ])
    expect((await fleet(['status', 'mine'])).stdout.toString()).toMatch(/^shards: +0 of 1, 1 failed$/m)
    expect(await audit(['--retry-failed', 'mine'])).toMatchObject({ code: 2 })
    server.bucket('reports').intercept = undefined
    expect(await audit(argv)).toMatchObject({ code: 0, stderr: 'Continuing the run mine.\n' })
  })

  test('a bucket that does not exist is reported, and leaves a run that can be continued', async () => {
    bucket().intercept = () => {
      throw new TransportError('ERR_CSE_NOT_FOUND', 'no bucket', {
        status: 404,
        serviceCode: 'NoSuchBucket',
        retryable: false,
      })
    }
    expect(await audit()).toMatchObject({ code: 4 })
  })
})

describe('verify', () => {
  const verify = (argv: readonly string[] = [], options?: RunOptions): Promise<Outcome> =>
    fleet(['verify', 'oss://demo/', '--max-qps', '1000000', ...argv], options)

  test('reads all objects, and exits with 0 if they are what was written', async () => {
    await put('a')
    await put('b', '--sealed')
    const { code, json } = await verify([...keys.own, '--json'])
    expect(code).toBe(0)
    expect(json()).toMatchObject({ totals: { objects: 2, verified: 2, readBytes: 18 } })
  })

  test('exits with 6 for an object that was altered', async () => {
    await put('a', '--sealed')
    const { bytes = new Uint8Array(), headers } = bucket().objects.get('a') ?? {}
    await bucket().plant(
      'a',
      bytes.map((byte, i) => (i === 0 ? byte ^ 1 : byte)),
      headers,
    )
    const { code, stderr } = await verify(keys.own)
    expect([code, stderr]).toEqual([
      6,
      expect.stringContaining('1 of 1 object is not what it should be: 1 altered.'),
    ])
  })

  test('exits with 6 for objects under another key, and for plain ones unless they are allowed', async () => {
    await put('a')
    expect(await verify([...keys.other, '--matdesc', '{"a":"b"}'])).toMatchObject({ code: 6 })
    await bucket().plant('a', new Uint8Array(3))
    expect(await verify(keys.own)).toMatchObject({ code: 6 })
    expect(await verify([...keys.own, '--on-plain-object', 'passthrough'])).toMatchObject({ code: 0 })
  })

  test('--retry-failed reads what was plain or altered again, and nothing else', async () => {
    for (const key of ['a', 'd', 'f']) await put(key)
    for (const key of ['b', 'e']) await bucket().plant(key, Buffer.from('plaintext'))
    const first = await verify([...keys.own, '--run', 'first'])
    expect([first.code, first.stderr]).toEqual([
      6,
      expect.stringContaining(
        '2 of 5 objects are not what they should be: 2 plain. Correct the cause, and try these again with --retry-failed first.',
      ),
    ])
    const migrate = ['migrate', 'oss://demo/', ...keys.own, '--retry-failed', 'first', '--yes', '--json']
    bucket().versioning = 'Enabled'
    expect((await fleet(migrate)).json()).toMatchObject({ totals: { objects: 3, migrated: 2, already: 1 } })
    const { code, json } = await verify([...keys.own, '--retry-failed', 'first', '--json'])
    expect([code, json()]).toMatchObject([0, { totals: { objects: 3, verified: 3 } }])
  })

  test('--retry-failed leaves plain objects alone that the earlier run allowed', async () => {
    await bucket().plant('a', new Uint8Array(3))
    await verify([...keys.own, '--run', 'first', '--on-plain-object', 'passthrough'])
    expect(await verify([...keys.own, '--retry-failed', 'first'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Nothing failed'),
    })
  })

  test('names no --retry-failed after --redact-keys, because the report has no keys', async () => {
    await bucket().plant('a', new Uint8Array(3))
    const { code, stderr } = await verify([...keys.own, '--redact-keys'])
    expect([code, stderr]).toEqual([6, expect.not.stringContaining('--retry-failed')])
  })

  test('needs a key before it does anything', async () => {
    await put('a')
    expect(await verify()).toMatchObject({ code: 3 })
    expect(existsSync(runs)).toBe(false)
  })
})

describe('status, pause, resume, cancel and report', () => {
  test('list the runs, the newest first, and one run', async () => {
    expect((await fleet(['status'])).stdout.toString()).toBe('There are no runs.\n')
    await put('a')
    await audit(['--run', 'one'])
    await audit(['--run', 'two'])
    const { runs: listed } = (await fleet(['status', '--json'])).json() as { runs: { run: string }[] }
    expect(listed.map((one) => one.run)).toEqual(['two', 'one'])
    expect((await fleet(['status'])).stdout.toString()).toMatch(
      /^one {2}oss:\/\/demo\/ {2}1 of 1 shard {2}finished$/m,
    )
    expect(await fleet(['status', 'three'])).toMatchObject({ code: 2 })
  })

  test('a paused run is paused for other processes, and a cancelled one stays so', async () => {
    await put('a')
    failing(({ operation }) => operation === 'list', 500)
    await audit(['--run', 'mine'])
    bucket().intercept = undefined
    expect((await fleet(['pause', 'mine', '--json'])).json()).toEqual({ run: 'mine', state: 'paused' })
    expect((await fleet(['status', 'mine', '--json'])).json()).toMatchObject({ state: 'paused' })
    expect((await fleet(['resume', 'mine', '--json'])).json()).toEqual({ run: 'mine', state: 'active' })
    expect((await fleet(['cancel', 'mine', '--json'])).json()).toEqual({ run: 'mine', state: 'cancelled' })
    expect(await fleet(['resume', 'mine'])).toMatchObject({ code: 2 })
    expect((await audit()).stderr).toBe(`Run audit-demo-${TODAY}.\n`)
    expect(await fleet(['pause', 'none'])).toMatchObject({ code: 2 })
  })

  test('report merges again, and writes the rows to stdout or a file', async () => {
    await put('a')
    await audit(['--run', 'mine'])
    const jsonl = await fleet(['report', 'mine', '--jsonl'])
    expect(JSON.parse(jsonl.stdout.toString())).toMatchObject({ key: 'a', outcome: 'encrypted' })
    const out = join(directory.path, 'rows.csv')
    const { code, json } = await fleet(['report', 'mine', '--csv', '--out', out, '--json'])
    expect([code, json()]).toMatchObject([0, { run: 'mine', summary: { objects: 1 } }])
    expect(readFileSync(out, 'utf8')).toContain('\n"a",')
    expect(statSync(out).mode & 0o777).toBe(0o600)
    expect(await fleet(['report', 'mine', '--out', out])).toMatchObject({ code: 2 })
    expect(await fleet(['report', 'none'])).toMatchObject({ code: 2 })
  })

  test('report of a run that was cancelled says so, and that it is not complete', async () => {
    await plantMany()
    const interrupt = new AbortController()
    bucket().intercept = async ({ operation, key }) => {
      if (operation !== 'head' || key !== 'k1200') return
      // The other shard is complete then.
      const queue = queues.at(join(runs, 'mine', 'queue'))
      while ((await queue.getRun('mine')).shards.completed === 0) await queue.wait('mine')
      interrupt.abort()
    }
    await audit(['--run', 'mine'], { signal: interrupt.signal })
    const notOver = await fleet(['report', 'mine'])
    expect([notOver.code, notOver.stderr]).toEqual([
      1,
      expect.stringContaining('The run mine is not over yet. Its report is not complete.'),
    ])
    await fleet(['cancel', 'mine'])
    const { code, stdout, stderr } = await fleet(['report', 'mine'])
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining('The run mine is cancelled. Its report is not complete.'),
    ])
    expect(stdout.toString()).toContain('THIS REPORT IS NOT COMPLETE')
    expect((await fleet(['report', 'mine', '--json'])).json()).toMatchObject({
      run: 'mine',
      state: 'cancelled',
      summary: { objects: 1000, problems: ['part 0000000001 is missing'] },
    })
  })

  test('report of a run that was cancelled while it was planned is not complete, although no part is missing', async () => {
    await plantMany()
    const interrupt = new AbortController()
    const list = bucket().list.bind(bucket())
    bucket().list = async (request) => {
      // The second page of the planner.
      if (request.continuationToken !== undefined) {
        const queue = queues.at(join(runs, 'mine', 'queue'))
        while ((await queue.getRun('mine')).shards.completed === 0) await queue.wait('mine')
        interrupt.abort()
      }
      return list(request)
    }
    await audit(['--run', 'mine'], { signal: interrupt.signal })
    await fleet(['cancel', 'mine'])
    expect((await fleet(['report', 'mine', '--json'])).json()).toMatchObject({
      state: 'cancelled',
      summary: { problems: ['the plan is not complete: keys after the last shard are missing'] },
    })
  })

  test('report of a run that was cancelled before it had a shard says so', async () => {
    await put('a')
    failing(({ operation }) => operation === 'list', 500)
    await audit(['--run', 'mine'])
    await fleet(['cancel', 'mine'])
    const { code, stderr } = await fleet(['report', 'mine'])
    expect([code, stderr]).toEqual([1, expect.stringContaining('is cancelled, and has no report')])
  })

  test('report of a run that lacks a part is not complete', async () => {
    await put('a')
    await audit(['--run', 'mine', '--report', 'oss://other/'])
    server.bucket('other').objects.delete('mine/parts/0000000000-0001.jsonl')
    expect(await fleet(['report', 'mine'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('not complete'),
    })
  })
})
