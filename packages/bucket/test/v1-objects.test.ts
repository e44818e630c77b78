import {
  type ByteRange,
  concatBytes,
  type Envelope,
  encodeEnvelope,
  formatV1Start,
  Keyring,
  type MasterKeyProvider,
  parseV1Start,
} from '@oss-cse/crypto-core'
import { V1_HEADERS } from '@oss-cse/crypto-core/internal'
import { createTestProvider, type MemoryTransport, type RecordedRequest } from '@oss-cse/crypto-core/testing'
import { describe, expect, test } from 'vitest'
import { broken, chunked, pattern } from './bytes.ts'
import { memoryBucket } from './memory-bucket.ts'
import { MemoryTarget } from './memory-target.ts'
import { denied, lost, operations, PART } from './multipart.ts'
import { RecordStore } from './record-store.ts'
import { WatchedKeyring } from './watched-keys.ts'

const code = (value: string) => expect.objectContaining({ code: value })
const data = pattern(1000)

/** A provider that writes V1 or V2, and reads both, like a master key of oss2. */
function provider(envelopeVersion: 1 | 2 = 1, seed = 1): MasterKeyProvider & { generated: number } {
  const inner = createTestProvider({ seed })
  const names = ['test', inner.wrapAlgorithm]
  const [wrapAlgorithm = '', other = ''] = envelopeVersion === 1 ? names : names.reverse()
  return {
    wrapAlgorithm,
    alsoUnwraps: [other],
    envelopeVersion,
    materialDescription: {},
    generated: 0,
    async generateContentKey(iv, options) {
      this.generated += 1
      return inner.generateContentKey(iv, options)
    },
    async unwrap(envelope, options) {
      if (envelope.version === 2) return inner.unwrap(envelope, options)
      const { wrappedStart: wrappedIv, ...common } = envelope
      return inner.unwrap({ ...common, version: 2, wrappedIv }, options)
    },
  }
}

function v1Bucket() {
  return memoryBucket({ provider: provider() })
}

/** AES-256-CTR of the runtime, whose counter has all 16 bytes. */
async function referenceCipher(cek: Uint8Array, iv: Uint8Array, bytes: Uint8Array): Promise<Uint8Array> {
  const key = await crypto.subtle.importKey('raw', Uint8Array.from(cek), 'AES-CTR', false, ['encrypt'])
  const counter = Uint8Array.from(iv)
  const plaintext = Uint8Array.from(bytes)
  return new Uint8Array(
    await crypto.subtle.encrypt({ name: 'AES-CTR', counter, length: 128 }, key, plaintext),
  )
}

/** Stores a V1 object that the runtime encrypted from this counter start. */
async function plant(
  transport: MemoryTransport,
  start: string,
  plaintext: Uint8Array,
  changes: Partial<Record<string, string | undefined>> = {},
): Promise<void> {
  const iv = parseV1Start(start) as Uint8Array
  const { cek, wrappedCek, wrappedIv } = await provider().generateContentKey(iv)
  const envelope: Envelope = {
    version: 1,
    wrappedCek,
    wrappedStart: wrappedIv,
    cekAlgorithm: 'AES/GCM/NoPadding',
    wrapAlgorithm: 'test',
    materialDescription: {},
    unencryptedContentLength: plaintext.length,
  }
  const headers = Object.entries({ ...encodeEnvelope(envelope), ...changes }).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  )
  await transport.plant('a', await referenceCipher(cek, iv, plaintext), Object.fromEntries(headers))
}

async function read(run: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of run) chunks.push(chunk)
  return concatBytes(chunks)
}

describe('a put under a V1 master key', () => {
  test('writes these headers of the envelope and no others', async () => {
    const { bucket, transport } = v1Bucket()
    await bucket.put('a', data, { contentMd5: 'XUFAKrxLKna5cZ2REBfFkg==' })
    const headers = transport.requests[0]?.headers ?? {}
    expect(headers).toMatchObject({
      'x-oss-meta-oss-cek-alg': 'AES/GCM/NoPadding',
      'x-oss-meta-oss-wrap-alg': 'test',
      'x-oss-meta-unencrypted-content-length': '1000',
      'x-oss-meta-unencrypted-content-md5': 'XUFAKrxLKna5cZ2REBfFkg==',
    })
    const names = Object.keys(headers).filter((name) => name.startsWith('x-oss-meta-'))
    expect(names.sort()).toEqual([
      'x-oss-meta-oss-cek-alg',
      'x-oss-meta-oss-crypto-key',
      'x-oss-meta-oss-crypto-start',
      'x-oss-meta-oss-wrap-alg',
      'x-oss-meta-unencrypted-content-length',
      'x-oss-meta-unencrypted-content-md5',
    ])
    expect(headers['content-md5']).toBeUndefined()
  })

  test.each([0, 1, 15, 16, 17, 1000])(
    'stores %i bytes as AES-256-CTR from a start of 1 to 10, without a tag',
    async (size) => {
      const keyring = new WatchedKeyring(provider())
      const { bucket, transport } = memoryBucket({ keyring })
      const plaintext = data.subarray(0, size)
      await bucket.put('a', plaintext)
      const [contentKey] = keyring.copies
      if (contentKey === undefined) throw new Error('no key was made')
      const { cek, iv } = contentKey
      expect(Number(formatV1Start(iv))).toBeGreaterThanOrEqual(1)
      expect(Number(formatV1Start(iv))).toBeLessThanOrEqual(10)
      expect(transport.objects.get('a')?.bytes).toEqual(await referenceCipher(cek, iv, plaintext))
      expect(keyring.handedOut.every((key) => key.cek.every((byte) => byte === 0))).toBe(true)
    },
  )

  test('takes a stream of unknown length, and then records no length', async () => {
    const { bucket, transport } = v1Bucket()
    await bucket.put('a', chunked(data, 7, 100))
    expect(transport.objects.get('a')?.headers).not.toHaveProperty('x-oss-meta-unencrypted-content-length')
    expect(await bucket.getBytes('a')).toEqual(data)
  })

  test('is sent again under a new key', async () => {
    const { bucket, transport } = v1Bucket()
    let failures = 2
    transport.intercept = ({ operation }) => {
      if (operation === 'put' && failures-- > 0) throw lost
    }
    await bucket.put('a', data)
    const wrapped = transport.requests.map(({ headers }) => headers['x-oss-meta-oss-crypto-key'])
    expect(new Set(wrapped).size).toBe(3)
    expect(await bucket.getBytes('a')).toEqual(data)
  })

  test('whose response was lost is recognized as stored, even if overwriting is forbidden', async () => {
    const { bucket, transport } = v1Bucket()
    const put = transport.put.bind(transport)
    let answersLost = 1
    transport.put = async (request) => {
      const response = await put(request)
      if (answersLost-- > 0) throw lost
      return response
    }
    const headers = { 'x-oss-forbid-overwrite': 'true' }
    expect(await bucket.put('a', data, { headers })).toMatchObject({ sizeBytes: 1000, verification: 'crc64' })
    expect(operations(transport)).toEqual(['put', 'put', 'head'])
    expect(await bucket.getBytes('a')).toEqual(data)
    await expect(bucket.put('a', data, { headers })).rejects.toEqual(code('ERR_CSE_PRECONDITION_FAILED'))
  })
})

describe('the metadata of a V1 object', () => {
  test('is kept, and does not include the envelope', async () => {
    const { bucket } = v1Bucket()
    await bucket.put('a', data, { metadata: { author: 'me', 'oss-note': 'mine' }, contentType: 'text/x' })
    const head = await bucket.head('a')
    const got = await bucket.get('a')
    await got.body.cancel()
    for (const described of [head, got]) {
      expect(described.metadata).toEqual({ author: 'me', 'oss-note': 'mine' })
      expect(described.contentType).toBe('text/x')
      expect(described.envelope).toEqual({
        version: 1,
        cekAlgorithm: 'AES/GCM/NoPadding',
        wrapAlgorithm: 'test',
        materialDescription: {},
        unencryptedContentLength: 1000,
      })
    }
    expect(head.sizeBytes).toBe(1000)
  })

  test.each(Object.values(V1_HEADERS))('cannot be set by the caller: %s is refused', async (name) => {
    const { bucket, transport } = v1Bucket()
    const metadata = { [name.slice('x-oss-meta-'.length)]: '1' }
    for (const options of [{ headers: { [name]: '1' } }, { metadata }]) {
      await expect(bucket.put('a', data, options)).rejects.toEqual(code('ERR_CSE_INVALID_ARGUMENT'))
    }
    expect(transport.requests).toEqual([])
  })

  test('is part of a copy, which reads like the original', async () => {
    const { bucket } = v1Bucket()
    await bucket.put('a', data, { metadata: { author: 'me' } })
    await bucket.copy('a', 'b')
    expect((await bucket.head('b')).metadata).toEqual({ author: 'me' })
    expect(await bucket.getBytes('b', { range: '17-40' })).toEqual(data.subarray(17, 41))
  })
})

describe('a read of a V1 object', () => {
  test('returns every range exactly: aligned or not, open, from the end, beyond the end', async () => {
    const { bucket } = v1Bucket()
    for (const size of [0, 1, 15, 16, 17, 53]) {
      const plaintext = data.subarray(0, size)
      await bucket.put('a', plaintext)
      expect(await bucket.getBytes('a')).toEqual(plaintext)
      const ranges: ByteRange[] = []
      for (let start = 0; start <= size + 17; start++) {
        ranges.push({ start }, { start, end: start }, { start, end: start + 15 }, { start, end: size + 100 })
        ranges.push({ suffixLength: start + 1 })
      }
      for (const range of ranges) {
        if ('start' in range && range.end !== undefined && range.end < range.start) continue
        const bytes = bucket.getBytes('a', { range })
        const start = 'suffixLength' in range ? Math.max(0, size - range.suffixLength) : range.start
        const end = 'start' in range ? (range.end ?? size) + 1 : size
        if (start >= size) {
          await expect(bytes, JSON.stringify(range)).rejects.toEqual(code('ERR_CSE_RANGE_NOT_SATISFIABLE'))
        } else expect(await bytes, JSON.stringify(range)).toEqual(plaintext.subarray(start, end))
      }
    }
  })

  test.each([
    '0',
    '1',
    '10',
    '4294967295',
    '18446744073709551615',
    '340282366920938463463374607431768211455',
  ])('counts from its start %s in 128 bits, whole and by range', async (start) => {
    const { bucket, transport } = v1Bucket()
    await plant(transport, start, data)
    transport.chunkBytes = 100
    expect(await bucket.getBytes('a')).toEqual(data)
    for (const from of [0, 1, 15, 16, 17, 31, 32, 33, 500, 999]) {
      expect(await bucket.getBytes('a', { range: { start: from } })).toEqual(data.subarray(from))
    }
    expect(await bucket.getBytes('a', { range: { suffixLength: 33 } })).toEqual(data.subarray(-33))
  })

  test('is resumed when the connection breaks', async () => {
    const { bucket, transport } = v1Bucket()
    await bucket.put('a', data)
    transport.requests.length = 0
    for (const brokenAfter of [0, 1, 16, 333]) {
      let responses = 0
      transport.alterGet = (response) =>
        responses++ === 0 ? { ...response, body: broken(response.body, brokenAfter, lost) } : response
      expect(await bucket.getBytes('a')).toEqual(data)
      expect(responses).toBe(2)
    }
  })

  test('through openObject unwraps the key once, for any number of parallel ranges', async () => {
    const keyring = new WatchedKeyring(provider())
    const { bucket } = memoryBucket({ keyring })
    await bucket.put('a', data)
    keyring.handedOut.length = 0
    const reader = await bucket.openObject('a')
    const ranges = [
      { start: 0, end: 999 },
      { start: 3, end: 3 },
      { start: 16, end: 31 },
      { start: 17, end: 500 },
      { start: 999, end: 999 },
    ]
    const runs = await Promise.all(ranges.map((range) => read(reader.read(range))))
    runs.forEach((bytes, index) => {
      const { start = 0, end = 0 } = ranges[index] ?? {}
      expect(bytes).toEqual(data.subarray(start, end + 1))
    })
    await reader.close()
    expect(keyring.unwrapped).toBe(1)
    expect(keyring.wiped).toBe(true)
  })

  test('is refused before a byte is released when its length is not the recorded one', async () => {
    const { bucket, transport } = v1Bucket()
    for (const length of ['999', '1001', '0']) {
      await plant(transport, '8', data, { [V1_HEADERS.unencryptedContentLength]: length })
      await expect(bucket.get('a')).rejects.toEqual(code('ERR_CSE_INTEGRITY'))
      await expect(bucket.get('a', { range: '0-9' })).rejects.toEqual(code('ERR_CSE_INTEGRITY'))
      await expect(bucket.openObject('a')).rejects.toEqual(code('ERR_CSE_INTEGRITY'))
      await expect(bucket.download('a', new MemoryTarget())).rejects.toEqual(code('ERR_CSE_INTEGRITY'))
    }
    await plant(transport, '8', data, { [V1_HEADERS.unencryptedContentLength]: undefined })
    expect(await bucket.getBytes('a')).toEqual(data)
  })

  test.each([
    [V1_HEADERS.wrappedCek, undefined, 'ERR_CSE_ENVELOPE_DAMAGED'],
    [V1_HEADERS.wrappedStart, undefined, 'ERR_CSE_ENVELOPE_DAMAGED'],
    [V1_HEADERS.cekAlgorithm, undefined, 'ERR_CSE_ENVELOPE_DAMAGED'],
    [V1_HEADERS.wrapAlgorithm, undefined, 'ERR_CSE_ENVELOPE_DAMAGED'],
    [V1_HEADERS.wrappedCek, 'AAAA', 'ERR_CSE_UNWRAP_FAILED'],
    [V1_HEADERS.wrappedStart, 'AAAA', 'ERR_CSE_UNWRAP_FAILED'],
    [V1_HEADERS.cekAlgorithm, 'AES/CTR/NoPadding', 'ERR_CSE_UNSUPPORTED_ALGORITHM'],
    [V1_HEADERS.wrapAlgorithm, 'kms', 'ERR_CSE_NO_MATCHING_KEY'],
    ['x-oss-meta-client-side-encryption-key', 'AAAA', 'ERR_CSE_ENVELOPE_DAMAGED'],
  ])('is refused before a byte is released when %s is %j', async (name, value, expected) => {
    const { bucket, transport } = v1Bucket()
    await plant(transport, '8', data, { [name]: value })
    await expect(bucket.get('a')).rejects.toEqual(code(expected))
  })

  test('is refused under another master key', async () => {
    const { bucket, transport } = v1Bucket()
    await bucket.put('a', data)
    const stranger = memoryBucket({ transport, provider: provider(1, 2) }).bucket
    await expect(stranger.get('a')).rejects.toEqual(code('ERR_CSE_UNWRAP_FAILED'))
  })

  test('works under the same key when it writes V2, and the other way round', async () => {
    const { bucket, transport } = v1Bucket()
    const newer = memoryBucket({ transport, provider: provider(2) }).bucket
    await bucket.put('old', data)
    await newer.put('new', data)
    for (const reader of [bucket, newer]) {
      for (const key of ['old', 'new']) {
        expect(await reader.getBytes(key)).toEqual(data)
        expect(await reader.getBytes(key, { range: '100-199' })).toEqual(data.subarray(100, 200))
      }
    }
  })
})

describe('a download of a V1 object', () => {
  const long = pattern(5 * PART + 17)
  const options = { multipartThresholdBytes: PART, partSizeBytes: PART }

  function isGetOfPart(n: number) {
    return ({ operation, headers }: RecordedRequest): boolean =>
      operation === 'get' && headers['range']?.startsWith(`bytes=${(n - 1) * PART}-`) === true
  }

  test('uses parallel parts', async () => {
    const { bucket, transport } = v1Bucket()
    await bucket.put('a', long)
    transport.requests.length = 0
    const target = new MemoryTarget()
    const result = await bucket.download('a', target, { ...options, parallel: 3 })
    expect(operations(transport)).toHaveLength(6)
    expect(target.bytes).toEqual(long)
    expect(result).toMatchObject({ verification: 'crc64', envelope: { version: 1 } })
  })

  test('is resumed after an interruption, and fetches only what is missing', async () => {
    const { bucket, transport } = v1Bucket()
    await bucket.put('a', long)
    const target = new MemoryTarget()
    const checkpointStore = new RecordStore()
    const resumable = { ...options, checkpointStore, parallel: 1 }
    transport.intercept = (request) => {
      if (isGetOfPart(4)(request)) throw denied
    }
    await expect(bucket.download('a', target, resumable)).rejects.toBe(denied)
    expect(target.bytes).toBeUndefined()
    transport.intercept = undefined
    transport.requests.length = 0
    const result = await bucket.download('a', target, resumable)
    expect(target.bytes).toEqual(long)
    expect(result.resumedBytes).toBe(3 * PART)
    for (const part of [1, 2, 3]) expect(transport.requests.some(isGetOfPart(part))).toBe(false)
    expect(checkpointStore.records.size).toBe(0)
  })
})

describe('under a V1 master key no object is uploaded in parts', () => {
  test.each([0, 1, 3 * PART])('upload of %i bytes is refused before any request', async (size) => {
    const encrypting = provider()
    const { bucket, transport } = memoryBucket({ keyring: new Keyring({ encrypting }) })
    const checkpointStore = new RecordStore()
    for (const options of [{}, { checkpointStore }, { multipartThresholdBytes: 0, partSizeBytes: PART }]) {
      const upload = bucket.upload('a', pattern(size), options)
      await expect(upload).rejects.toEqual(code('ERR_CSE_OPERATION_REFUSED'))
      await expect(upload).rejects.toThrow(/put/)
    }
    expect(transport.requests).toEqual([])
    expect(encrypting.generated).toBe(0)
    expect(checkpointStore.records.size).toBe(0)
    expect(checkpointStore.isFree).toBe(true)
  })

  test('upload of a reopenable source, such as a file, is refused before it is opened', async () => {
    const { bucket, transport } = v1Bucket()
    let touched = 0
    const source = {
      sizeBytes: 3 * PART,
      identity: '/data/file',
      open: () => {
        touched += 1
        return chunked(pattern(PART))
      },
      fingerprint: async () => {
        touched += 1
        return ''
      },
    }
    await expect(bucket.upload('a', source)).rejects.toEqual(code('ERR_CSE_OPERATION_REFUSED'))
    expect(touched).toBe(0)
    expect(transport.requests).toEqual([])
  })

  test('initiateMultipartUpload is refused before any request, also to a key service', async () => {
    const encrypting = provider()
    const { bucket, transport } = memoryBucket({ keyring: new Keyring({ encrypting }) })
    const initiated = bucket.initiateMultipartUpload('a', { sizeBytes: 3 * PART, partSizeBytes: PART })
    await expect(initiated).rejects.toEqual(code('ERR_CSE_OPERATION_REFUSED'))
    expect(encrypting.generated).toBe(0)
    expect(transport.requests).toEqual([])
  })

  test('a multipart upload with a V1 envelope cannot be resumed', async () => {
    const { bucket, transport } = v1Bucket()
    await plant(transport, '8', data)
    const state = {
      version: 2,
      key: 'a',
      uploadId: 'upload-1',
      sizeBytes: 3 * PART,
      partSizeBytes: PART,
      envelope: transport.objects.get('a')?.headers ?? {},
      headers: {},
      partDigests: {},
    } as const
    await expect(bucket.resumeMultipartUpload(state)).rejects.toEqual(code('ERR_CSE_INVALID_ARGUMENT'))
    expect(transport.requests).toEqual([])
  })

  test('one that a V2 key started is resumed under the same key, whatever it writes now', async () => {
    const made = memoryBucket({ provider: provider(2) })
    const begun = await made.bucket.initiateMultipartUpload('a', {
      sizeBytes: PART + 1,
      partSizeBytes: PART,
    })
    await begun.uploadPart(1, pattern(PART))
    const { bucket } = memoryBucket({ transport: made.transport, provider: provider() })
    const unverified = await bucket.resumeMultipartUpload(begun.toJSON())
    const resumed = await unverified.verifyParts(() => pattern(PART))
    await resumed.uploadPart(2, pattern(PART + 1).subarray(PART))
    await resumed.completeMultipartUpload()
    expect(await bucket.getBytes('a')).toEqual(pattern(PART + 1))
  })
})
