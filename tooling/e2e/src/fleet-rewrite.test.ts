import { generateKeyPairSync } from 'node:crypto'
import { CryptoBucket } from '@oss-cse/bucket'
import { Keyring, OSS_HEADERS } from '@oss-cse/crypto-core'
import {
  MemoryIntentStore,
  migrateShard,
  type ReportRow,
  type RewriteShardOptions,
  rotateShard,
  TokenBucketThrottle,
  throttledTransport,
} from '@oss-cse/fleet'
import type { OssEmulator } from '@oss-cse/oss-emulator'
import { RsaProvider } from '@oss-cse/provider-rsa'
import type { OssTransport } from '@oss-cse/transport-oss'
import { describe, expect, test } from 'vitest'
import { keyPair, random, transportOf, withEmulator } from './emulated-bucket.ts'

const { privateKey: newPrivateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
})
const oldKey = new RsaProvider({ privateKey: keyPair.privateKey, materialDescription: { key: 'old' } })
const newKey = new RsaProvider({ privateKey: newPrivateKey, materialDescription: { key: 'new' } })
const keyring = new Keyring({ encrypting: newKey, decrypting: [oldKey] })
const WHOLE = { index: 0 }
const PART = 128 * 1024

const CONTENT: Readonly<Record<string, Uint8Array>> = {
  'a/empty': new Uint8Array(),
  'a/large': random(2 * PART + 77),
  'a/sealed': random(200_000),
  'b/ä ö+?&': random(100),
}
const HEADERS = {
  'content-type': 'text/x',
  'cache-control': 'no-cache',
  'x-oss-meta-mine': 'yes',
  [OSS_HEADERS.objectAcl]: 'public-read',
  [OSS_HEADERS.tagging]: 'project=a%20b&old',
  [OSS_HEADERS.storageClass]: 'IA',
}

/** What a user sees of an object. */
async function seen(transport: OssTransport, key: string) {
  const { metadata, contentType, headers } = await new CryptoBucket({ transport, keyring }).head(key)
  return {
    metadata,
    contentType,
    cacheControl: headers['cache-control'],
    storageClass: headers[OSS_HEADERS.storageClass],
    acl: await transport.getObjectAcl({ key }),
    tags: [...(await transport.getObjectTags({ key }))].sort((a, b) => (a.key < b.key ? -1 : 1)),
  }
}

async function fill(transport: OssTransport): Promise<void> {
  const ctr = new CryptoBucket({ transport, provider: oldKey })
  const sealed = new CryptoBucket({ transport, provider: oldKey, format: 'sealed' })
  for (const [key, bytes] of Object.entries(CONTENT)) {
    const bucket = key === 'a/sealed' ? sealed : ctr
    const options = { headers: HEADERS, partSizeBytes: PART }
    if (key === 'a/large') await bucket.upload(key, bytes, options)
    else await bucket.put(key, bytes, { headers: HEADERS })
  }
}

async function outcomes(rows: AsyncIterable<ReportRow>): Promise<Readonly<Record<string, string>>> {
  const all: [string, string][] = []
  for await (const { key = '', outcome, code } of rows) all.push([key, code ?? outcome])
  return Object.fromEntries(all)
}

const allAre = (outcome: string) => Object.fromEntries(Object.keys(CONTENT).map((key) => [key, outcome]))

const MODES: Readonly<
  Record<
    string,
    (emulator: OssEmulator) => Pick<RewriteShardOptions, 'placement'> & { readonly written: OssTransport }
  >
> = {
  'a bucket that keeps versions': (emulator) => {
    emulator.setVersioning('demo', 'Enabled')
    return { placement: { mode: 'versioned' }, written: transportOf(emulator) }
  },
  'another bucket': (emulator) => {
    const transport = transportOf(emulator, { bucket: 'other' })
    return { placement: { mode: 'into', transport }, written: transport }
  },
  'a bucket without versions': (emulator) => ({
    placement: { mode: 'unversioned', writersArePaused: true, temporaryPrefix: '.tmp/' },
    written: transportOf(emulator),
  }),
}

describe.each(Object.entries(MODES))('through the server, into %s', (_name, mode) => {
  test.each([false, true])(
    'rotated objects are read with the new key alone, and are otherwise as before (new content key: %s)',
    (newContentKey) =>
      withEmulator(
        async (emulator) => {
          const transport = transportOf(emulator)
          const { placement, written } = mode(emulator)
          await fill(transport)
          const before = await Promise.all(Object.keys(CONTENT).map((key) => seen(transport, key)))
          const options = { transport, keyring, placement, intents: new MemoryIntentStore(), newContentKey }
          expect(await outcomes(rotateShard(WHOLE, options))).toEqual(allAre('rotated'))
          const reader = new CryptoBucket({ transport: written, provider: newKey })
          for (const [key, bytes] of Object.entries(CONTENT)) {
            expect(Buffer.compare(await reader.getBytes(key), bytes)).toBe(0)
          }
          expect(await Promise.all(Object.keys(CONTENT).map((key) => seen(written, key)))).toEqual(before)
          expect((await reader.head('a/sealed')).sealed).toBe(true)
          expect(await outcomes(rotateShard(WHOLE, options))).toEqual(allAre('already'))
        },
        { buckets: ['demo', 'other'] },
      ),
  )

  test('migrated objects are encrypted, and are otherwise as before', () =>
    withEmulator(
      async (emulator) => {
        const transport = transportOf(emulator)
        const { placement, written } = mode(emulator)
        for (const [key, bytes] of Object.entries(CONTENT)) {
          const body = { sizeBytes: bytes.length, open: () => chunk(bytes) }
          await transport.put({ key, headers: HEADERS, body })
        }
        const keys = Object.keys(CONTENT)
        const plain = (one: OssTransport) =>
          Promise.all(keys.map(async (key) => ({ ...(await seen(one, key)), key })))
        const before = await plain(transport)
        const options = { transport, keyring, placement, intents: new MemoryIntentStore() }
        expect(await outcomes(migrateShard(WHOLE, options))).toEqual(allAre('migrated'))
        const reader = new CryptoBucket({ transport: written, provider: newKey })
        for (const [key, bytes] of Object.entries(CONTENT)) {
          expect(Buffer.compare(await reader.getBytes(key), bytes)).toBe(0)
        }
        expect(await plain(written)).toEqual(before)
      },
      { buckets: ['demo', 'other'] },
    ))
})

const FAULTS = [
  'status-503',
  'reset-before',
  'reset-during-request',
  'reset-after',
  'reset-during-response',
  'truncate-response',
] as const

test.each([1, 2, 3, 4])('with broken connections and throttling, each object is rotated (seed %i)', (seed) =>
  withEmulator(
    async (emulator) => {
      emulator.setVersioning('demo', 'Enabled')
      const transport = transportOf(emulator)
      await fill(transport)
      const throttle = new TokenBucketThrottle({ requestsPerSecond: 5000 })
      const options = {
        transport: throttledTransport(transport, throttle),
        keyring,
        placement: { mode: 'versioned' as const },
        intents: new MemoryIntentStore(),
        retry: { maxAttempts: 40, minDelayMs: 1, maxDelayMs: 5 },
      }
      expect(await outcomes(rotateShard(WHOLE, options))).toEqual(allAre('rotated'))
      const reader = new CryptoBucket({ transport, provider: newKey, retry: options.retry })
      for (const [key, bytes] of Object.entries(CONTENT)) {
        expect(Buffer.compare(await reader.getBytes(key), bytes)).toBe(0)
      }
    },
    { faults: { rate: 0.1, seed, kinds: FAULTS } },
  ),
)

async function* chunk(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.length > 0) yield bytes
}
