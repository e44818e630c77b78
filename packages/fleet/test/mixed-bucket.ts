import { CryptoBucket } from '@oss-cse/bucket'
import { Keyring, type MasterKeyProvider, OSS_HEADERS, TransportError } from '@oss-cse/crypto-core'
import { createTestProvider, MemoryTransport, type StoredObject } from '@oss-cse/crypto-core/testing'
import type { ReportOutcome } from '../src/report/report-row.ts'

export const KEY_NAMES = { key: '2026-11' }

/** The master key of an object, by its kind. */
const provider = createTestProvider({ materialDescription: KEY_NAMES })
const v2 = createTestProvider({ seed: 2, wrapAlgorithm: 'TEST/V1' })
/** It wraps the whole counter block in place of a start value. */
const v1: MasterKeyProvider = {
  ...v2,
  envelopeVersion: 1,
  unwrap: (envelope, options) =>
    v2.unwrap(
      envelope.version === 1 ? { ...envelope, version: 2, wrappedIv: envelope.wrappedStart } : envelope,
      options,
    ),
}
const foreign = createTestProvider({ seed: 3, materialDescription: { key: 'foreign' } })

/** What is done to an object after it was stored, and what becomes of it in an audit and in a verification. */
interface Kind {
  readonly stored: 'plain' | 'ctr' | 'v1' | 'sealed' | 'foreign'
  readonly change?: (object: StoredObject) => StoredObject
  readonly audited: ReportOutcome
  readonly verified: ReportOutcome
  /** The code of the verification's row. */
  readonly code?: string
}

const flipped = (object: StoredObject): StoredObject => ({
  ...object,
  bytes: object.bytes.map((byte, i) => (i === object.bytes.length - 1 ? byte ^ 1 : byte)),
})
const cut = (object: StoredObject): StoredObject => ({ ...object, bytes: object.bytes.subarray(1) })
const without = (header: RegExp) => (object: StoredObject) => ({
  ...object,
  headers: Object.fromEntries(Object.entries(object.headers).filter(([name]) => !header.test(name))),
})
const link = (object: StoredObject): StoredObject => ({
  ...object,
  headers: { ...object.headers, [OSS_HEADERS.objectType]: 'Symlink' },
})

export const KINDS = {
  plain: { stored: 'plain', audited: 'plain', verified: 'plain' },
  ctr: { stored: 'ctr', audited: 'encrypted', verified: 'verified' },
  v1: { stored: 'v1', audited: 'encrypted', verified: 'verified' },
  sealed: { stored: 'sealed', audited: 'encrypted', verified: 'verified' },
  foreign: { stored: 'foreign', audited: 'encrypted', verified: 'failed', code: 'ERR_CSE_NO_MATCHING_KEY' },
  damaged: {
    stored: 'ctr',
    change: without(/encryption-start$/),
    audited: 'damaged',
    verified: 'damaged',
    code: 'ERR_CSE_ENVELOPE_DAMAGED',
  },
  flippedCtr: {
    stored: 'ctr',
    change: flipped,
    audited: 'encrypted',
    verified: 'altered',
    code: 'ERR_CSE_INTEGRITY',
  },
  flippedSealed: {
    stored: 'sealed',
    change: flipped,
    audited: 'encrypted',
    verified: 'altered',
    code: 'ERR_CSE_AUTHENTICATION_FAILED',
  },
  cutCtr: { stored: 'ctr', change: cut, audited: 'altered', verified: 'altered', code: 'ERR_CSE_INTEGRITY' },
  cutSealed: {
    stored: 'sealed',
    change: cut,
    audited: 'altered',
    verified: 'altered',
    code: 'ERR_CSE_AUTHENTICATION_FAILED',
  },
  link: {
    stored: 'plain',
    change: link,
    audited: 'link',
    verified: 'failed',
    code: 'ERR_CSE_SERVICE',
  },
} as const satisfies Record<string, Kind>

export type KindName = keyof typeof KINDS

/** What goes wrong with the requests for an object after it was listed. */
export type Mishap = 'none' | 'vanishes' | 'breaks' | 'breaks-once' | 'throttled-once'

export interface MixedObject {
  readonly key: string
  readonly kind: KindName
  readonly mishap: Mishap
  readonly sizeBytes: number
}

export const QUICK = { maxAttempts: 2, minDelayMs: 0, maxDelayMs: 0 }

/** A bucket with objects of many kinds, and what reads them. */
export async function mixedBucket(objects: readonly MixedObject[]) {
  const transport = new MemoryTransport()
  const bucketOf = (encrypting: MasterKeyProvider, format: 'aes-ctr' | 'sealed' = 'aes-ctr') =>
    new CryptoBucket({ transport, provider: encrypting, format })
  const writers = {
    ctr: bucketOf(provider),
    v1: bucketOf(v1),
    sealed: bucketOf(provider, 'sealed'),
    foreign: bucketOf(foreign),
  }
  const mishaps = new Map<string, Mishap>()
  for (const { key, kind, mishap, sizeBytes } of objects) {
    const { stored, change }: Kind = KINDS[kind]
    const bytes = new Uint8Array(sizeBytes).fill(7)
    if (stored === 'plain') await transport.plant(key, bytes)
    else await writers[stored].put(key, bytes)
    const object = transport.objects.get(key)
    if (change !== undefined && object !== undefined) transport.objects.set(key, change(object))
    mishaps.set(key, mishap)
  }
  transport.requests.length = 0
  transport.intercept = ({ operation, key }) => {
    if (operation !== 'head' && operation !== 'get') return
    const mishap = mishaps.get(key)
    if (mishap === 'vanishes') transport.objects.delete(key)
    if (mishap === 'breaks-once' || mishap === 'throttled-once') mishaps.delete(key)
    if (mishap === 'breaks' || mishap === 'breaks-once') throw networkError()
    if (mishap === 'throttled-once') throw throttledError()
  }
  const keyring = new Keyring({ encrypting: provider, decrypting: [v1] })
  const bucket = new CryptoBucket({ transport, keyring, retry: QUICK })
  return { transport, bucket }
}

export function networkError(): TransportError {
  return new TransportError('ERR_CSE_NETWORK', 'The connection broke.', { retryable: true })
}

export function throttledError(options: { serviceCode?: string; qosDelayMs?: number } = {}): TransportError {
  return new TransportError('ERR_CSE_THROTTLED', 'Slow down.', { status: 503, retryable: true, ...options })
}

/** Everything that an iteration returns. */
export async function all<Item>(items: AsyncIterable<Item>): Promise<readonly Item[]> {
  const list: Item[] = []
  for await (const item of items) list.push(item)
  return list
}

export async function* each<Item>(items: Iterable<Item>): AsyncGenerator<Item, void, undefined> {
  yield* items
}
