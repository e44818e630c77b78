import { TransportError } from '@oss-cse/crypto-core'
import { MemoryTransport } from '@oss-cse/crypto-core/testing'
import { describe, expect, test } from 'vitest'
import { MortalWorker } from '../../test/mortal-worker.ts'
import { allRows, outcomes, RewriteSite, WHOLE } from '../../test/rewrite-site.ts'
import { migrateShard } from '../migrate-object.ts'
import { type RotateShardOptions, rotateShard } from '../rotate-object.ts'

/** What the service says of a bucket that was removed, or whose name is misspelled. */
function noSuchBucket(): never {
  throw new TransportError('ERR_CSE_NOT_FOUND', 'NoSuchBucket', {
    status: 404,
    retryable: false,
    serviceCode: 'NoSuchBucket',
  })
}

const IN_PLACE = {
  versioned: { mode: 'versioned' },
  unversioned: { mode: 'unversioned', writersArePaused: true, temporaryPrefix: '.tmp/' },
} as const

/** A bucket with an encrypted object and a plain one, and a worker whose calls of one bucket can fail. */
async function siteWithout(
  vanishing: 'source' | 'target',
  mode: RotateShardOptions['placement']['mode'],
  before: (call: number) => void,
) {
  const site = new RewriteSite(mode === 'versioned' ? 'Enabled' : 'Unversioned')
  await site.app.put('encrypted', 'text')
  await site.putPlain('plain', 'text')
  const worker = new MortalWorker({ before })
  const target = new MemoryTransport()
  const options: RotateShardOptions = {
    ...site.options(),
    transport: vanishing === 'source' ? worker.port(site.transport) : site.transport,
    placement:
      mode === 'into'
        ? { mode, transport: vanishing === 'target' ? worker.port(target) : target }
        : IN_PLACE[mode],
    parallel: 1,
  }
  return { options, worker }
}

const COMMANDS = { rotate: rotateShard, migrate: migrateShard }

describe.each(Object.entries(COMMANDS))('%s', (_command, run) => {
  test.each([
    ['source', 'versioned'],
    ['source', 'unversioned'],
    ['source', 'into'],
    ['target', 'into'],
  ] as const)('a %s bucket that vanishes before any call fails the shard (%s)', async (vanishing, mode) => {
    const whole = await siteWithout(vanishing, mode, () => {})
    expect(Object.keys(outcomes(await allRows(run(WHOLE, whole.options))))).toEqual(['encrypted', 'plain'])
    expect(whole.worker.calls).toBeGreaterThan(2)
    for (let vanishesAt = 1; vanishesAt <= whole.worker.calls; vanishesAt += 1) {
      const { options } = await siteWithout(vanishing, mode, (call) => {
        if (call >= vanishesAt) noSuchBucket()
      })
      await expect(allRows(run(WHOLE, options)), `before call ${vanishesAt}`).rejects.toMatchObject({
        serviceCode: 'NoSuchBucket',
      })
    }
  })
})
