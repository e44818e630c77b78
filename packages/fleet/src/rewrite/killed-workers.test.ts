import { CryptoBucket } from '@oss-cse/bucket'
import { decodeEnvelope } from '@oss-cse/crypto-core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { brokenConnection, MortalWorker } from '../../test/mortal-worker.ts'
import { allRows, outcomes, RewriteSite, WHOLE } from '../../test/rewrite-site.ts'
import { migrateShard } from '../migrate-object.ts'
import type { IntentRecord } from '../placement/intent-store.ts'
import { type RotateShardOptions, rotateShard } from '../rotate-object.ts'

/** What a user does to a key while a worker is at it, and what the key has then. */
const USERS = {
  overwrites: async ({ app }: RewriteSite) => {
    await app.put('k', 'second')
    return 'second'
  },
  'writes under the new key': async ({ transport, keyring }: RewriteSite) => {
    await new CryptoBucket({ transport, keyring }).put('k', 'third')
    return 'third'
  },
  deletes: async ({ app }: RewriteSite) => {
    await app.delete('k')
    return undefined
  },
} as const

const COMMANDS = {
  rotate: { begin: (site: RewriteSite) => site.app.put('k', 'first'), run: rotateShard },
  'rotate with a new content key': {
    begin: (site: RewriteSite) => site.app.put('k', 'first'),
    run: (shard: typeof WHOLE, options: RotateShardOptions) =>
      rotateShard(shard, { ...options, newContentKey: true }),
  },
  migrate: { begin: (site: RewriteSite) => site.putPlain('k', 'first'), run: migrateShard },
}

const commands = Object.entries(COMMANDS)

/** The number of calls of a worker that nobody disturbs. */
async function undisturbedCalls({ begin, run }: (typeof COMMANDS)['rotate']): Promise<number> {
  const site = new RewriteSite()
  await begin(site)
  const worker = new MortalWorker()
  const { transport, intents, ...options } = site.options()
  await allRows(run(WHOLE, { ...options, transport: worker.port(transport), intents: worker.port(intents) }))
  return worker.calls
}

describe.each(commands)('%s in a bucket that keeps versions', (_name, command) => {
  const { begin, run } = command as (typeof COMMANDS)['rotate']

  test.each([...Object.entries(USERS), ['does nothing', async () => 'first'] as const])(
    'killed at any call, while a user %s: the redo loses and hides nothing',
    async (_user, act: (site: RewriteSite) => Promise<string | undefined>) => {
      const calls = await undisturbedCalls(command as (typeof COMMANDS)['rotate'])
      expect(calls).toBeGreaterThan(6)
      for (let killedAt = 1; killedAt <= calls; killedAt += 1) {
        for (let actsAt = 1; actsAt <= killedAt + 1; actsAt += 1) {
          for (const effect of [false, true]) {
            const site = new RewriteSite()
            await begin(site)
            let wanted: string | undefined = 'first'
            let acted = false
            const once = async (): Promise<void> => {
              if (acted) return
              acted = true
              wanted = await act(site)
            }
            const worker: MortalWorker = new MortalWorker({
              async before(call) {
                if (call === actsAt) await once()
                if (call === killedAt && !effect) worker.die()
              },
              after(call) {
                if (call === killedAt && effect) worker.die()
              },
            })
            const { transport, intents, ...options } = site.options()
            await allRows(
              run(WHOLE, { ...options, transport: worker.port(transport), intents: worker.port(intents) }),
            ).catch(() => {})
            await once()
            const rows = await allRows(run(WHOLE, site.options()))
            const when = { killedAt, actsAt, effect }
            expect({ ...when, text: await site.read('k') }).toEqual({ ...when, text: wanted })
            // A deleted key is not listed any more.
            expect({ ...when, keys: rows.map(({ key }) => key) }).toEqual({
              ...when,
              keys: transport.objects.has('k') ? ['k'] : rows.length === 0 ? [] : ['k'],
            })
            if (wanted !== undefined) {
              expect(rows.map(({ outcome }) => outcome)).toEqual([
                expect.stringMatching(/^(rotated|migrated|already)$/),
              ])
            }
            if (wanted !== undefined && (wanted === 'first' || run === rotateShard)) {
              expect(await site.read('k', site.reader)).toBe(wanted)
            }
          }
        }
      }
    },
  )

  test.each(Object.entries(USERS))(
    'while a user %s at any call: the worker itself loses and hides nothing, and counts the race',
    async (_user, act: (site: RewriteSite) => Promise<string | undefined>) => {
      const calls = await undisturbedCalls(command as (typeof COMMANDS)['rotate'])
      let races = 0
      for (let actsAt = 1; actsAt <= calls; actsAt += 1) {
        const site = new RewriteSite()
        await begin(site)
        let wanted: string | undefined
        const worker = new MortalWorker({
          async before(call) {
            if (call === actsAt) wanted = await act(site)
          },
        })
        const { transport, intents, ...options } = site.options()
        const ports = { transport: worker.port(transport), intents: worker.port(intents) }
        const rows = await allRows(run(WHOLE, { ...options, ...ports }))
        expect({ actsAt, text: await site.read('k') }).toEqual({ actsAt, text: wanted })
        races += rows[0]?.races ?? 0
      }
      expect(races).toBeGreaterThan(0)
    },
  )

  test('with kills, broken connections and users at random, nothing is ever lost or hidden', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ call: fc.nat(40), user: fc.constantFrom(...Object.values(USERS)) }), {
          maxLength: 4,
        }),
        fc.array(fc.nat(40), { maxLength: 3 }),
        fc.infiniteStream(fc.record({ breaks: fc.nat(9), effect: fc.boolean() })),
        async (races, kills, faults) => {
          const site = new RewriteSite()
          await begin(site)
          let wanted: string | undefined = 'first'
          let total = 0
          const pending = [...races].sort((a, b) => a.call - b.call)
          for (const killedAt of [...kills, Number.POSITIVE_INFINITY]) {
            let breaksAfter = false
            const worker: MortalWorker = new MortalWorker({
              async before(call) {
                total += 1
                while (pending[0] !== undefined && pending[0].call <= total) {
                  wanted = await pending.shift()?.user(site)
                }
                if (call >= killedAt) worker.die()
                const { breaks, effect } = faults.next().value
                breaksAfter = breaks === 0 && effect
                if (breaks === 0 && !effect) throw brokenConnection()
              },
              after() {
                if (breaksAfter) throw brokenConnection()
              },
            })
            const { transport, intents, ...options } = site.options()
            await allRows(
              run(WHOLE, { ...options, transport: worker.port(transport), intents: worker.port(intents) }),
            ).catch(() => {})
          }
          // The last worker has no faults: all that was left behind is put in order.
          const rows = await allRows(run(WHOLE, site.options()))
          expect(rows.filter(({ unsettled }) => unsettled)).toEqual([])
          expect(await site.read('k')).toBe(wanted)
        },
      ),
      { numRuns: 150 },
    )
  })
})

test.each(commands)(
  '%s by two workers at once, of which one may be killed, while users write: nothing is lost or hidden',
  async (_name, command) => {
    const { begin, run } = command as (typeof COMMANDS)['rotate']
    let judged = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ call: fc.nat(30), user: fc.constantFrom(...Object.values(USERS)) }), {
          maxLength: 3,
        }),
        fc.option(fc.nat(12), { nil: Number.POSITIVE_INFINITY }),
        fc.infiniteStream(fc.nat(3)),
        async (races, killedAt, pauses) => {
          const site = new RewriteSite()
          await begin(site)
          let wanted: string | undefined = 'first'
          let total = 0
          let acting: Promise<void> = Promise.resolve()
          let lastLooks = 0
          const pending = [...races].sort((a, b) => a.call - b.call)
          const work = async (diesAt: number): Promise<void> => {
            const worker: MortalWorker = new MortalWorker({
              async before(call) {
                for (let turns = pauses.next().value; turns > 0; turns -= 1) await new Promise(setImmediate)
                total += 1
                while (pending[0] !== undefined && pending[0].call <= total) {
                  const { user } = pending.shift() as (typeof pending)[number]
                  // One after the other, as the versions of a key are.
                  acting = acting.then(async () => {
                    wanted = await user(site)
                  })
                  await acting
                }
                if (call >= diesAt) worker.die()
              },
            })
            const { transport, intents, ...options } = site.options()
            const ports = { transport: worker.port(transport), intents: worker.port(intents) }
            let looks = 0
            const readIntents = async (shardName: string): Promise<IntentRecord[]> => {
              const records = await ports.intents.readIntents(shardName)
              looks += 1
              if (looks === 2) lastLooks += 1
              return records
            }
            try {
              const store = {
                readIntents,
                addIntents: ports.intents.addIntents.bind(ports.intents),
                removeIntents: ports.intents.removeIntents.bind(ports.intents),
              }
              await allRows(run(WHOLE, { ...options, ...ports, intents: store }))
            } catch (error) {
              if (diesAt !== Number.POSITIVE_INFINITY) return
              // It found what the other one wrote, and the shard is done again.
              expect(error).toMatchObject({ code: 'ERR_CSE_SOURCE_CHANGED' })
              await work(Number.POSITIVE_INFINITY)
            }
          }
          let late = false
          const mortal = work(killedAt).then(() => {
            late = lastLooks > 0
          })
          await Promise.all([mortal, work(Number.POSITIVE_INFINITY)])
          // What a killed worker writes after the other one has looked for the last time is not noticed.
          if (killedAt !== Number.POSITIVE_INFINITY && late) return
          judged += 1
          expect(await site.read('k')).toBe(wanted)
        },
      ),
      { numRuns: 150 },
    )
    expect(judged).toBeGreaterThan(40)
  },
)

test('each key of a shard has one row, and the redo tells what the killed worker did', async () => {
  const site = new RewriteSite()
  for (const key of ['a', 'b', 'c', 'd']) await site.app.put(key, key)
  const worker: MortalWorker = new MortalWorker({
    after: (call) => (call === 20 ? worker.die() : undefined),
  })
  const { transport, intents, ...options } = site.options()
  await allRows(
    rotateShard(WHOLE, {
      ...options,
      parallel: 1,
      transport: worker.port(transport),
      intents: worker.port(intents),
    }),
  ).catch(() => {})
  transport.requests.length = 0
  const rows = await allRows(rotateShard(WHOLE, site.options()))
  expect(rows.map(({ key }) => key)).toEqual(['a', 'b', 'c', 'd'])
  // The first one was known to be in order: nothing but a HEAD is sent for it.
  expect(outcomes(rows)).toEqual({ a: 'already', b: 'rotated', c: 'rotated', d: 'rotated' })
  expect(transport.requests.filter(({ key }) => key === 'a').map(({ operation }) => operation)).toEqual([
    'head',
  ])
})

describe('a write that the service completes after its connection broke', () => {
  /** Breaks the first write of the worker to `k`. It is stored when `land` is called, over what a user wrote meanwhile. */
  const lateSite = async () => {
    const site = new RewriteSite()
    for (const key of ['k', 'l']) await site.app.put(key, 'first')
    const { transport } = site
    const put = transport.put.bind(transport)
    let late: (() => Promise<unknown>) | undefined
    let landed = false
    const land = async (): Promise<void> => {
      if (late === undefined || landed) return
      landed = true
      await site.app.put('k', 'second')
      await late()
    }
    transport.put = async (request) => {
      const byWorker = wrappedByWorker(request.headers)
      if (!byWorker || request.key !== 'k' || late !== undefined) return put(request)
      const bytes: Uint8Array[] = []
      for await (const chunk of request.body.open()) bytes.push(chunk.slice())
      const open = async function* () {
        yield* bytes
      }
      late = () => put({ ...request, body: { sizeBytes: request.body.sizeBytes, open } })
      throw brokenConnection()
    }
    return { site, land, isLanded: () => landed }
  }
  const wrappedByWorker = (headers: Readonly<Record<string, string>>): boolean =>
    JSON.stringify(decodeEnvelope(headers)?.materialDescription) === '{"key":"new"}'

  test.each([false, true])(
    'hides nothing, before the second write or after it (new content key: %s)',
    async (newContentKey) => {
      for (let landsAt = 1; ; landsAt += 1) {
        const { site, land, isLanded } = await lateSite()
        let call = 0
        let looked = false
        site.transport.intercept = async ({ key, operation, headers }) => {
          // What the user and the late write send is not counted.
          if (key !== 'k' || (operation === 'put' && !wrappedByWorker(headers))) return
          call += 1
          if (call === landsAt) await land()
          if (isLanded() && operation === 'listVersions') looked = true
        }
        const run = () => allRows(rotateShard(WHOLE, { ...site.options(), newContentKey, parallel: 1 }))
        await run().catch((error: unknown) => {
          expect(error).toMatchObject({ code: 'ERR_CSE_SOURCE_CHANGED' })
          return run()
        })
        site.transport.intercept = undefined
        // Until the worker has looked for the last time.
        if (isLanded() && !looked) break
        expect(call).toBeGreaterThanOrEqual(landsAt)
        expect({ landsAt, text: await site.read('k') }).toEqual({
          landsAt,
          text: isLanded() ? 'second' : 'first',
        })
        expect(await site.read('k', site.reader)).toBe(isLanded() ? 'second' : 'first')
      }
    },
  )

  test('is found at the end of the shard, whose rows are made again', async () => {
    const { site, land } = await lateSite()
    site.transport.intercept = ({ key, operation }) =>
      key === 'l' && operation === 'head' ? land() : undefined
    await expect(allRows(rotateShard(WHOLE, { ...site.options(), parallel: 1 }))).rejects.toMatchObject({
      code: 'ERR_CSE_SOURCE_CHANGED',
    })
    expect(await site.read('k')).toBe('second')
    expect(outcomes(await allRows(rotateShard(WHOLE, site.options())))).toEqual({
      k: 'rotated',
      l: 'rotated',
    })
    expect(await site.intents.readIntents('0000000000')).toEqual([])
  })
})

test('what a user restores by a copy of what a killed worker wrote stays', async () => {
  const site = new RewriteSite()
  await site.app.put('k', 'first')
  site.transport.requests.length = 0
  const worker: MortalWorker = new MortalWorker({
    after: () => (site.transport.requests.at(-1)?.operation === 'put' ? worker.die() : undefined),
  })
  const { transport, intents, ...options } = site.options()
  const ports = { transport: worker.port(transport), intents: worker.port(intents) }
  await allRows(rotateShard(WHOLE, { ...options, ...ports })).catch(() => {})
  const sourceVersionId = transport.objects.get('k')?.versionId
  await site.app.put('k', 'second')
  await transport.copy({ key: 'k', sourceKey: 'k', sourceVersionId, headers: {} })
  expect(outcomes(await allRows(rotateShard(WHOLE, site.options())))).toEqual({ k: 'already' })
  expect(await site.read('k')).toBe('first')
})
