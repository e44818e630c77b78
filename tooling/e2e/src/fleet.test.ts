import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CryptoBucket } from '@oss-cse/bucket'
import { Keyring } from '@oss-cse/crypto-core'
import {
  auditShard,
  mergeReport,
  ObjectReportStore,
  parseRow,
  type ReportRow,
  type ReportStore,
  type Shard,
  type ShardTotals,
  summaryTable,
  type ThrottleClock,
  TokenBucketThrottle,
  throttledTransport,
  verifyShard,
  writePart,
} from '@oss-cse/fleet'
import { FileReportStore } from '@oss-cse/fleet/node'
import type { OssEmulator } from '@oss-cse/oss-emulator'
import { RsaProvider } from '@oss-cse/provider-rsa'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { bucketOf, keyPair, random, transportOf, withEmulator } from './emulated-bucket.ts'

const RETRY = { minDelayMs: 1, maxDelayMs: 20 }
const OBJECTS = 200
const KINDS = ['ctr', 'sealed', 'plain', 'cut-ctr', 'flipped-sealed', 'described'] as const

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'oss-cse-fleet-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const keyring = new Keyring({
  encrypting: new RsaProvider({ privateKey: keyPair.privateKey }),
  decrypting: [new RsaProvider({ privateKey: keyPair.privateKey, materialDescription: { key: 'old' } })],
})

/** 200 objects of six kinds under `data/`, and one beside it. */
async function fill(emulator: OssEmulator): Promise<readonly string[]> {
  const transport = transportOf(emulator)
  const old = new RsaProvider({ privateKey: keyPair.privateKey, materialDescription: { key: 'old' } })
  const ctr = bucketOf(emulator)
  const sealed = bucketOf(emulator, {}, { format: 'sealed' })
  const described = new CryptoBucket({ transport, provider: old, retry: RETRY })
  const keys: string[] = []
  for (let i = 0; i < OBJECTS; i++) {
    const kind = KINDS[i % KINDS.length]
    const key = `data/${String(i).padStart(3, '0')} é+&=?/${kind}`
    keys.push(key)
    const bytes = random(i * 37)
    if (kind === 'plain') await emulator.putStoredObject('demo', key, { bytes })
    else
      await { described, ctr, sealed, 'cut-ctr': ctr, 'flipped-sealed': sealed }[kind ?? 'ctr'].put(
        key,
        bytes,
      )
  }
  await ctr.put('other', random(5))
  return keys
}

/** Runs all shards in a store, as workers do, and merges their parts. */
async function run(
  store: ReportStore,
  shards: readonly Shard[],
  rows: (shard: Shard) => AsyncIterable<ReportRow>,
  options: { readonly redactKeys?: Uint8Array } = {},
) {
  const totals: Record<string, number> = {}
  for (const shard of shards) {
    const part: ShardTotals = await writePart(store, shard, rows(shard), options)
    for (const [name, count] of Object.entries(part)) totals[name] = (totals[name] ?? 0) + count
  }
  return mergeReport(store, { shards: shards.length, totals })
}

test('an audit and a verification tell what 200 objects are, each once, through faults and throttling', () =>
  withEmulator(
    async (emulator) => {
      const keys = await fill(emulator)
      const prefix = 'data/'
      const shards = [
        { index: 0, until: keys[49] },
        { index: 1, after: keys[49], until: keys[149] },
        { index: 2, after: keys[149] },
      ]
      // The wait for the service is skipped.
      let waits = 0
      const clock: ThrottleClock = { now: () => waits * 1e6, sleep: async () => void waits++ }
      const throttle = new TokenBucketThrottle({ requestsPerSecond: 1e6, bytesPerSecond: 1e12, clock })
      const limited = throttledTransport(transportOf(emulator), throttle)
      const options = { catalog: limited, transport: limited, prefix, retry: RETRY }
      const store = new FileReportStore({ directory: join(directory, 'audit') })
      emulator.injectFault({ method: 'HEAD', kind: 'reset-before', count: 5 })
      emulator.injectFault({ method: 'GET', kind: 'status-503', count: 2 })
      const audited = await run(store, shards, (shard) => auditShard(shard, options))
      const count = (...kinds: readonly string[]) =>
        keys.filter((key) => kinds.some((kind) => key.endsWith(`/${kind}`))).length
      expect(audited).toMatchObject({
        objects: OBJECTS,
        problems: [],
        outcomes: { plain: { objects: count('plain') }, encrypted: { objects: OBJECTS - count('plain') } },
        formats: { sealed: { objects: count('sealed', 'flipped-sealed') } },
        keys: [
          { materialDescription: '', objects: count('ctr', 'cut-ctr', 'sealed', 'flipped-sealed') },
          { materialDescription: '{"key":"old"}', objects: count('described') },
        ],
      })
      expect(waits).toBeGreaterThan(0)
      const lines = (await readFile(join(directory, 'audit', 'report.jsonl'), 'utf8')).trimEnd().split('\n')
      expect(lines.map((line) => parseRow(line).key)).toEqual(keys)
      expect((await stat(join(directory, 'audit', 'report.csv'))).mode & 0o077).toBe(0)

      // The checksum of the service fits again: only the length, and the tags of a sealed object, tell.
      for (const key of keys.filter((one) => /\/(?:cut|flipped)/.test(one))) {
        const stored = await emulator.getStoredObject('demo', key)
        if (stored === undefined) throw new Error('not stored')
        const { bytes } = stored
        const flipped = bytes.map((byte, i) => (i === bytes.length - 1 ? byte ^ 1 : byte))
        await emulator.putStoredObject('demo', key, {
          bytes: key.includes('/cut') ? bytes.subarray(1) : flipped,
        })
      }
      emulator.injectFault({ method: 'GET', key: keys[1] as string, kind: 'reset-during-response' })
      const bucket = new CryptoBucket({ transport: limited, keyring, retry: RETRY })
      const reports = transportOf(emulator, { bucket: 'reports' })
      const remote = new ObjectReportStore({
        transport: reports,
        catalog: reports,
        prefix: 'run/',
        retry: RETRY,
      })
      const verified = await run(remote, shards, (shard) => verifyShard(shard, { ...options, bucket }), {
        redactKeys: random(32),
      })
      expect(verified).toMatchObject({ objects: OBJECTS, problems: [] })
      expect(verified.outcomes).toMatchObject({
        plain: { objects: count('plain') },
        verified: { objects: count('ctr', 'sealed', 'described') },
        altered: { objects: count('cut-ctr', 'flipped-sealed') },
      })
      expect(summaryTable(verified)).not.toContain('data/')
      const csv = await emulator.getStoredObject('reports', 'run/report.csv')
      expect(new TextDecoder().decode(csv?.bytes)).not.toMatch(/data\/|described/)
    },
    { buckets: ['demo', 'reports'] },
  ))
