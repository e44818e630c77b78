import { CseError, TransportError } from '@oss-cse/crypto-core'
import type { MemoryTransport } from '@oss-cse/crypto-core/testing'
import type { RunStatus } from '@oss-cse/fleet'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type KeyArguments, writeKeyFiles } from '../../testing/key-files.ts'
import { MemoryQueues } from '../../testing/memory-queues.ts'
import { MemoryServer, type Outcome, type RunOptions, run, temporaryDirectory } from '../../testing/shell.ts'

const QUEUE = 'postgres://fleet:the-password@db.internal/fleet'
const SECRETS = ['the-password', 'secret of the access key', 'PRIVATE KEY']
const directory = temporaryDirectory()

let keys: KeyArguments
let server: MemoryServer
let queues: MemoryQueues
const printed: string[] = []

beforeAll(async () => {
  keys = await writeKeyFiles(directory.path)
})
afterAll(() => {
  directory.remove()
  for (const secret of SECRETS) expect(printed.join()).not.toContain(secret)
})
beforeEach(async () => {
  server = new MemoryServer()
  queues = new MemoryQueues()
  for (const key of ['a', 'b', 'c']) {
    const put = ['put', '-', `oss://demo/${key}`, ...keys.own]
    expect(await run(server, put, { stdin: Buffer.from('plaintext') })).toMatchObject({ code: 0 })
  }
})

const bucket = (): MemoryTransport => server.bucket('demo')

/** Runs a command of a fleet as a machine that knows the database by its environment. */
async function fleet(argv: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const outcome = await run(server, ['fleet', ...argv], {
    openJobQueue: queues.open,
    ...options,
    env: { OSS_CSE_FLEET_QUEUE: QUEUE, ...options.env },
  })
  printed.push(outcome.stderr, outcome.stdout.toString())
  return outcome
}

const RUN = ['--report', 'oss://reports/', '--run', 'mine', '--max-qps', '1000000']

/** Starts a run whose only machine is interrupted before it has done anything. */
async function begun(...argv: readonly string[]): Promise<void> {
  const interrupt = new AbortController()
  bucket().intercept = ({ operation }) => {
    if (operation === 'list') interrupt.abort()
  }
  expect(await fleet([...argv, ...RUN], { signal: interrupt.signal })).toMatchObject({ code: 130 })
  bucket().intercept = undefined
}

const statusOf = (): Promise<RunStatus> => queues.at(QUEUE).getRun('mine')

describe('a run in a database', () => {
  test('requires a place for the report that all machines can write', async () => {
    const { code, stderr } = await fleet(['audit', 'oss://demo/'])
    expect([code, stderr]).toEqual([2, expect.stringContaining('--queue requires --report')])
  })

  test('is worked on, merged and shown by the command that starts it', async () => {
    const { code, json } = await fleet(['audit', 'oss://demo/', ...RUN, '--json'])
    expect([code, json()]).toMatchObject([
      0,
      { totals: { objects: 3 }, report: { place: 'oss://reports/mine/' } },
    ])
    expect((await fleet(['report', 'mine', '--json'])).json()).toMatchObject({ summary: { objects: 3 } })
    expect((await fleet(['status', '--json'])).json()).toMatchObject({
      runs: [{ run: 'mine', state: 'finished' }],
    })
  })

  test('contains no credential, no key and no password', async () => {
    await begun('verify', 'oss://demo/', ...keys.own)
    const { settings } = await statusOf()
    expect(settings).toMatchObject({ bucket: 'demo', server: { endpoint: 'http://localhost:1' } })
    for (const secret of SECRETS) expect(JSON.stringify(settings)).not.toContain(secret)
  })

  test('can be paused, resumed and cancelled from any machine', async () => {
    await begun('audit', 'oss://demo/')
    expect((await fleet(['pause', 'mine', '--json'])).json()).toEqual({ run: 'mine', state: 'paused' })
    expect((await fleet(['status', 'mine'])).stdout.toString()).toMatch(/^state: +paused$/m)
    expect((await fleet(['resume', 'mine', '--json'])).json()).toEqual({ run: 'mine', state: 'active' })
    expect((await fleet(['cancel', 'mine', '--json'])).json()).toEqual({ run: 'mine', state: 'cancelled' })
    expect(await fleet(['resume', 'mine'])).toMatchObject({ code: 2 })
    expect(await fleet(['pause', 'none'])).toMatchObject({ code: 2 })
  })

  test('status says what is planned so far, and how many shards failed', async () => {
    await begun('audit', 'oss://demo/')
    const queue = queues.at(QUEUE)
    const shards = [
      { index: 0, until: 'a' },
      { index: 1, after: 'a', until: 'b' },
    ]
    await queue.addShards('mine', { expectedShards: 0, shards, listedKeys: 2 })
    expect((await fleet(['status'])).stdout.toString()).toContain('  0 of 2 shards so far  ')
    for (let failures = 0; failures < 5; failures++) {
      const taken = await queue.take('mine')
      await taken?.fail(new Error('broken'))
    }
    expect((await fleet(['status'])).stdout.toString()).toContain('  0 of 2 shards so far, 1 failed  ')
  })

  test('--redact-keys needs the secret of the environment', async () => {
    expect(await fleet(['audit', 'oss://demo/', ...RUN, '--redact-keys'])).toMatchObject({ code: 3 })
  })

  test.each(['mysql://u:the-password@h/d', 'fleet:the-password@h'])(
    '%s is not an address of PostgreSQL',
    async (queue) => {
      expect(await fleet(['status', '--queue', queue])).toMatchObject({ code: 3 })
    },
  )

  test('a password in an argument that is not an option is not printed', async () => {
    expect(await fleet([`--queu=${QUEUE}`])).toMatchObject({ code: 2 })
    expect(await fleet(['status', QUEUE])).toMatchObject({ code: 2 })
    expect(await fleet(['status', '--json', `--queu=${QUEUE}`])).toMatchObject({ code: 2 })
  })
})

describe('worker', () => {
  test('completes a run whose settings it takes from the database', async () => {
    await begun('verify', 'oss://demo/', ...keys.own)
    const elsewhere = { OSS_ENDPOINT: 'http://localhost:2' }
    const { code, json } = await fleet(['worker', ...keys.own, '--json'], { env: elsewhere })
    expect([code, json()]).toEqual([0, { runs: [{ run: 'mine', state: 'finished', completedShards: 1 }] }])
    // Not that of the environment, which may mean another bucket of the same name.
    expect(server.config).toMatchObject({ endpoint: 'http://localhost:1' })
    expect(await statusOf()).toMatchObject({ totals: { verified: 3 } })
  })

  test('says how many shards of how many runs it completed', async () => {
    await begun('audit', 'oss://demo/')
    expect((await fleet(['worker'])).stderr).toBe('Completed 1 shard of 1 run.\n')
    expect((await fleet(['worker'])).stderr).toBe('Completed 0 shards of 0 runs.\n')
  })

  test('uses the endpoint of its option, as for an internal one', async () => {
    await begun('audit', 'oss://demo/')
    await fleet(['worker', '--endpoint', 'http://localhost:2'])
    expect(server.config).toMatchObject({ endpoint: 'http://localhost:2' })
  })

  test('has nothing to do without a run', async () => {
    expect((await fleet(['worker', '--json'])).json()).toEqual({ runs: [] })
    expect(await fleet(['worker', '--run', 'none'])).toMatchObject({ code: 2 })
  })

  test('needs a queue', async () => {
    const { code, stderr } = await fleet(['worker'], { env: { OSS_CSE_FLEET_QUEUE: '' } })
    expect([code, stderr]).toEqual([2, expect.stringContaining('--queue')])
  })

  test.each([
    ['no key', () => [], 'needs master keys'],
    ['another key', () => keys.other, 'needs master keys that are not given: RSA/'],
  ])('with %s refuses a run, and no object counts as failed', async (_name, own, reason) => {
    await begun('verify', 'oss://demo/', ...keys.own)
    const { code, stderr } = await fleet(['worker', ...own()])
    expect([code, stderr]).toEqual([3, expect.stringContaining(reason)])
    expect(await statusOf()).toMatchObject({
      state: 'active',
      totals: {},
      shards: { completed: 0, failed: 0 },
    })
  })

  test('works on the runs that it can work on', async () => {
    await begun('verify', 'oss://demo/', ...keys.own)
    const { keys: _keys, ...settings } = (await statusOf()).settings
    await queues.at(QUEUE).createRun({ id: 'other', command: 'audit', settings })
    const { code, json } = await fleet(['worker', '--json'])
    expect(code).toBe(3)
    expect(json()).toMatchObject({ runs: [{ run: 'other', completedShards: 1 }] })
  })

  test('refuses a run of another version', async () => {
    await queues.at(QUEUE).createRun({ id: 'new', command: 'audit', settings: { format: 2 } })
    expect(await fleet(['worker'])).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('another version'),
    })
    expect(await fleet(['status'])).toMatchObject({ code: 0 })
  })

  test('ends when the run is paused because of failures', async () => {
    for (let i = 0; i < 30; i++) await bucket().plant(`k${i}`, new Uint8Array(1))
    await begun('audit', 'oss://demo/')
    bucket().intercept = ({ operation }) => {
      if (operation === 'head')
        throw new TransportError('ERR_CSE_ACCESS_DENIED', 'refused', { status: 403, retryable: false })
    }
    const { code, stderr } = await fleet(['worker'])
    expect([code, stderr]).toEqual([3, expect.stringContaining('ERR_CSE_ACCESS_DENIED')])
  })

  test.each(['listRuns', 'getRun'])('asks a queue again that is away: %s', async (operation) => {
    await begun('audit', 'oss://demo/')
    let failures = 2
    const openJobQueue: RunOptions['openJobQueue'] = async (place) => {
      const queue = await queues.open(place)
      queue.intercept = (name, moment) => {
        if (name === operation && moment === 'before' && failures-- > 0)
          throw new CseError('ERR_CSE_QUEUE', 'The database does not respond.')
      }
      return queue
    }
    const { code, stderr } = await fleet(['worker'], { openJobQueue })
    expect([code, stderr.match(/The queue cannot be reached/g)]).toEqual([0, ['The queue cannot be reached']])
    expect(stderr).toContain('Completed 1 shard of 1 run.')
  })

  test('says once that the queue is away, although several calls wait for it', async () => {
    await begun('audit', 'oss://demo/')
    let working = false
    const failed = new Set<string>()
    const openJobQueue: RunOptions['openJobQueue'] = async (place) => {
      const queue = await queues.open(place)
      queue.intercept = (name, moment) => {
        if (moment === 'after') working ||= name === 'take'
        else if (working && failed.size < 2) {
          failed.add(name)
          throw new CseError('ERR_CSE_QUEUE', 'The database does not respond.')
        }
      }
      return queue
    }
    const { code, stderr } = await fleet(['worker'], { openJobQueue })
    expect(failed.size).toBe(2)
    expect([code, stderr.match(/The queue cannot be reached/g)]).toEqual([0, ['The queue cannot be reached']])
  })

  test('--wait stays until it is interrupted', async () => {
    const interrupt = new AbortController()
    const working = fleet(['worker', '--wait', '--max-qps', '1000000'], { signal: interrupt.signal })
    expect(await fleet(['audit', 'oss://demo/', ...RUN])).toMatchObject({ code: 0 })
    interrupt.abort()
    expect(await working).toMatchObject({ code: 130 })
  })
})
