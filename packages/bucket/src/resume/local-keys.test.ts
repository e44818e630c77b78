import { type ContentFormat, type HeaderMap, Keyring, type MasterKeyProvider } from '@oss-cse/crypto-core'
import { V2_HEADERS } from '@oss-cse/crypto-core/internal'
import { createTestProvider, MemoryTransport } from '@oss-cse/crypto-core/testing'
import { describe, expect, test } from 'vitest'
import { chunked, difference, pattern } from '../../test/bytes.ts'
import { memoryBucket } from '../../test/memory-bucket.ts'
import { denied, pendingUploads, type SentPart, watchParts } from '../../test/multipart.ts'
import { LocalKeyStore } from '../../test/record-store.ts'
import { spellings, WatchedKeyring } from '../../test/watched-keys.ts'
import type { LogEvent } from '../policy/retry.ts'
import type { SizedSource } from '../source/sized-source.ts'

const PART = 131_072
const data = pattern(4 * PART + 17)
const otherData = data.map((byte) => byte ^ 0x55)
/** The data with a change in the part that was sent and is not stored. */
const changedLater = data.map((byte, i) => (i > 2.5 * PART && i < 2.6 * PART ? byte ^ 1 : byte))
/** The master keys that do not unwrap the key of an upload that is not complete. */
const encryptings: readonly (readonly [what: string, encrypting: MasterKeyProvider])[] = [
  ['a public key', createTestProvider({ encryptOnly: true })],
  [
    'a key server for stored objects',
    { ...createTestProvider(), unwrapsStoredOnly: true, unwrap: neverUnwraps },
  ],
]
const cases = (['aes-ctr', 'sealed'] as const).flatMap((format) =>
  encryptings.map((one): readonly [string, ContentFormat, MasterKeyProvider] => [one[0], format, one[1]]),
)

function neverUnwraps(): never {
  throw new Error('the provider was asked to unwrap')
}

/** A file that looks the same whatever its bytes are. */
function fileOf(bytes: Uint8Array): SizedSource {
  return {
    sizeBytes: bytes.length,
    identity: '/data/file',
    open: (offsetBytes, sizeBytes) => chunked(bytes.subarray(offsetBytes, offsetBytes + sizeBytes), 30_000),
    fingerprint: async () => 'as it was',
  }
}

function transfers(log: readonly LogEvent[]): string[] {
  return log.flatMap(({ type }) => (type === 'retry' ? [] : type))
}

/** The numbers of the parts under whose counter two different plaintexts were sent. */
function sentTwice(sent: readonly SentPart[]): number[] {
  const first = new Map<string, Uint8Array>()
  return sent.flatMap(({ partNumber, headers, bytes }) => {
    const name = `${headers[V2_HEADERS.wrappedCek]} ${partNumber}`
    const before = first.get(name)
    first.set(name, before ?? bytes)
    if (before === undefined) return []
    const length = Math.min(before.length, bytes.length)
    return difference(before.subarray(0, length), bytes.subarray(0, length)) === undefined ? [] : partNumber
  })
}

interface Upload {
  readonly uploadId: string
  readonly envelope: HeaderMap
  readonly headers: HeaderMap
  readonly partDigests: { readonly [partNumber: number]: string | undefined }
}

interface Record {
  readonly upload: Upload
  readonly localWrap?: string
}

/** Alters the upload of a record. */
function withUpload(alter: (upload: Upload) => Partial<Upload>): (record: Record) => Record {
  return (record) => ({ ...record, upload: { ...record.upload, ...alter(record.upload) } })
}

describe.each(cases)('with only %s, in the format %s,', (_what, format, encrypting) => {
  const options = { multipartThresholdBytes: PART, partSizeBytes: PART, parallel: 1 }

  /** A transport that reads a part to its end, and then fails. */
  class FailingTransport extends MemoryTransport {
    failing: number | undefined

    override async uploadPart(request: Parameters<MemoryTransport['uploadPart']>[0]) {
      if (request.partNumber !== this.failing) return super.uploadPart(request)
      for await (const _ of request.body.open());
      throw denied
    }
  }

  /** An upload whose third part was sent and not stored. */
  async function interrupted(keyring = new Keyring({ encrypting })) {
    const transport = new FailingTransport()
    const { bucket, log } = memoryBucket({ transport, keyring, format })
    const store = new LocalKeyStore()
    const sent = watchParts(transport)
    transport.failing = 3
    const upload = bucket.upload('a', fileOf(data), { ...options, checkpointStore: store })
    await expect(upload).rejects.toBe(denied)
    transport.failing = undefined
    log.length = 0
    const resume = (bytes: Uint8Array = data, given: object = {}) =>
      bucket.upload('a', fileOf(bytes), { ...options, checkpointStore: store, ...given })
    const stored = (): Promise<Uint8Array> => memoryBucket({ transport }).bucket.getBytes('a')
    return { transport, log, store, sent, resume, stored }
  }

  test('an interrupted upload is resumed from a store with local keys', async () => {
    const { log, sent, store, resume, stored } = await interrupted()
    sent.length = 0
    expect((await resume()).resumedBytes).toBeGreaterThan(PART)
    expect(transfers(log)).toEqual(['resume'])
    expect(sent.map(({ partNumber }) => partNumber)).toEqual([3, 4, 5].slice(0, sent.length))
    expect(difference(await stored(), data)).toBeUndefined()
    expect([store.records.size, store.localKeys.size, store.isFree]).toEqual([0, 0, true])
  })

  test('an upload is resumed more than once', async () => {
    const { transport, sent, resume, stored } = await interrupted()
    transport.failing = 4
    await expect(resume()).rejects.toBe(denied)
    transport.failing = undefined
    await resume()
    expect(difference(await stored(), data)).toBeUndefined()
    expect(sentTwice(sent)).toEqual([])
  })

  test('the record has the content key in no spelling, and the local key does not leave WebCrypto', async () => {
    const keyring = new WatchedKeyring(encrypting)
    const { store } = await interrupted(keyring)
    const texts = store.saved.join()
    for (const spelling of keyring.copies.flatMap(spellings)) {
      expect(texts).not.toContain(spelling)
    }
    const [key] = store.localKeys.values()
    expect(key?.extractable).toBe(false)
    expect(texts).toContain('"localWrap"')
  })

  test('a source that changed is never sent under a counter that was used', async () => {
    const { log, sent, transport, resume, stored } = await interrupted()
    await resume(otherData)
    expect(transfers(log)).toEqual(['restart'])
    expect(sentTwice(sent)).toEqual([])
    expect(await pendingUploads(transport)).toBe(0)
    expect(difference(await stored(), otherData)).toBeUndefined()
  })

  const alterations: [string, (record: Record) => Record][] = [
    [
      'forgets a part that was begun',
      withUpload(({ partDigests: { 1: one, 2: two } }) => ({ partDigests: { 1: one, 2: two } })),
    ],
    ['forgets all parts', withUpload(() => ({ partDigests: {} }))],
    [
      'has the digest of another part',
      withUpload(({ partDigests }) => ({ partDigests: { ...partDigests, 3: partDigests[1] } })),
    ],
    ['names another upload', withUpload(({ uploadId }) => ({ uploadId: `${uploadId}0` }))],
    ['has other headers', withUpload(() => ({ headers: { 'x-oss-storage-class': 'IA' } }))],
    [
      'has another wrapped key in its envelope',
      withUpload(({ envelope }) => ({ envelope: { ...envelope, [V2_HEADERS.wrappedCek]: 'AAAA' } })),
    ],
    ['has no local wrap', ({ localWrap: _, ...record }) => record],
    ['has a local wrap that is no base64', (record) => ({ ...record, localWrap: '#' })],
    [
      'has a local wrap with one bit changed',
      (record) => ({
        ...record,
        localWrap: `${record.localWrap}`.replace(/^./, (c) => (c === 'A' ? 'B' : 'A')),
      }),
    ],
  ]
  test.each(alterations)(
    'a record that %s encrypts nothing more: the upload restarts',
    async (_what, alter) => {
      const { log, sent, store, resume, stored } = await interrupted()
      store.alter((text) => {
        const altered = JSON.stringify(alter(JSON.parse(text)))
        expect(altered).not.toBe(text)
        return altered
      })
      await resume(changedLater)
      expect(transfers(log)).toEqual(['restart'])
      expect(sentTwice(sent)).toEqual([])
      expect(difference(await stored(), changedLater)).toBeUndefined()
    },
  )

  test('a record that was copied to another store, or whose local key is gone, restarts', async () => {
    const { log, sent, store, resume, stored } = await interrupted()
    const copy = new LocalKeyStore()
    for (const [name, text] of store.records) copy.records.set(name, text)
    await resume(changedLater, { checkpointStore: copy })
    expect(transfers(log)).toEqual(['restart'])
    expect(sentTwice(sent)).toEqual([])
    expect(difference(await stored(), changedLater)).toBeUndefined()
  })

  test('an older record, put back, does not encrypt a part again that the service holds', async () => {
    const { log, sent, store, resume } = await interrupted()
    const [first] = store.saved
    store.alter(() => first as string)
    await resume(otherData)
    expect(transfers(log)).toEqual(['restart'])
    expect(sentTwice(sent)).toEqual([])
  })

  test('the local key is gone after another upload took the place of the first', async () => {
    const { store, resume } = await interrupted()
    await resume(otherData)
    expect(store.localKeys.size).toBe(0)
  })

  test('a master key that can unwrap needs no local key', async () => {
    const keyring = new Keyring({ encrypting: createTestProvider() })
    const { store, resume } = await interrupted(keyring)
    expect(store.localKeys.size).toBe(0)
    expect(store.saved.join()).not.toContain('localWrap')
    expect((await resume()).resumedBytes).toBeGreaterThan(0)
  })
})
