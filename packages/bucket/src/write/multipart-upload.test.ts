import {
  type ContentKey,
  concatBytes,
  decodeBase64,
  encodeBase64,
  type HeaderMap,
  type PartRange,
} from '@oss-cse/crypto-core'
import { createCrc64, isEnvelopeHeader, V2_HEADERS } from '@oss-cse/crypto-core/internal'
import { createTestProvider, type MemoryTransport } from '@oss-cse/crypto-core/testing'
import { describe, expect, test } from 'vitest'
import { chunked, pattern } from '../../test/bytes.ts'
import { memoryBucket } from '../../test/memory-bucket.ts'
import {
  denied,
  digestOf,
  lost,
  operations,
  PART,
  pendingUploads,
  settle,
  watchParts,
} from '../../test/multipart.ts'
import { spellings, WatchedKeyring } from '../../test/watched-keys.ts'
import { MAX_HELD_BYTES } from '../cipher/encrypted-part.ts'
import type { CryptoBucket } from '../crypto-bucket.ts'
import type { MultipartUploadState } from './multipart-state.ts'
import type { MultipartUpload } from './multipart-upload.ts'

const code = (value: string) => expect.objectContaining({ code: value })
const data = pattern(5 * PART + 17)
const otherData = data.map((byte) => byte ^ 0x55)

function initiate(
  bucket: CryptoBucket,
  sizeBytes: number,
  options: Partial<Parameters<CryptoBucket['initiateMultipartUpload']>[1]> = {},
): Promise<MultipartUpload> {
  return bucket.initiateMultipartUpload('a', { sizeBytes: sizeBytes, partSizeBytes: PART, ...options })
}

/** The plaintext of one part. */
function part(
  upload: Pick<MultipartUpload, 'plan'>,
  partNumber: number,
  bytes: Uint8Array = data,
): Uint8Array {
  const { offsetBytes, sizeBytes } = upload.plan.part(partNumber)
  return bytes.subarray(offsetBytes, offsetBytes + sizeBytes)
}

function partNumbers({ plan }: MultipartUpload): number[] {
  return Array.from({ length: plan.partCount }, (_, index) => index + 1)
}

/** Resumes an upload of `data`. */
async function resumed(bucket: CryptoBucket, state: MultipartUploadState): Promise<MultipartUpload> {
  const unverified = await bucket.resumeMultipartUpload(state)
  return unverified.verifyParts((range) => part(unverified, range.partNumber))
}

async function sendAll(upload: MultipartUpload, bytes: Uint8Array = data): Promise<void> {
  for (const n of partNumbers(upload)) await upload.uploadPart(n, part(upload, n, bytes))
}

function envelopeOf(headers: HeaderMap | undefined): HeaderMap {
  return Object.fromEntries(Object.entries(headers ?? {}).filter(([name]) => isEnvelopeHeader(name)))
}

function requestsOf(transport: MemoryTransport, operation: string) {
  return transport.requests.filter((request) => request.operation === operation)
}

describe('the object made of parts', () => {
  const boundaries = [1, 2, 3].flatMap((n) => [-17, -16, -1, 0, 1, 15, 16, 17].map((by) => n * PART + by))

  test.each([1, 15, 16, 17, ...boundaries])(
    'of %i bytes is the same as one made by a put, whatever the order of the parts',
    async (size) => {
      const { bucket, transport } = memoryBucket()
      const bytes = data.subarray(0, size)
      const upload = await initiate(bucket, size)
      const [first, ...rest] = partNumbers(upload).reverse()
      await upload.uploadPart(first as number, part(upload, first as number))
      await Promise.all(rest.map((n) => upload.uploadPart(n, part(upload, n))))
      const result = await upload.completeMultipartUpload()
      const stored = transport.objects.get('a')
      expect(await bucket.getBytes('a')).toEqual(bytes)
      // One byte of ciphertext is equal to its plaintext by chance, once in 256 times.
      if (size > 1) expect(stored?.bytes).not.toEqual(bytes)
      expect(result).toMatchObject({ key: 'a', sizeBytes: size, verification: 'crc64', etag: stored?.etag })
      const crc = createCrc64()
      crc.update(stored?.bytes as Uint8Array)
      expect(result.crc64).toBe(String(crc.value()))
      expect(stored?.headers).toMatchObject({
        [V2_HEADERS.dataSize]: String(size),
        [V2_HEADERS.partSize]: String(PART),
        [V2_HEADERS.unencryptedContentLength]: String(size),
      })
    },
  )

  test('is the same whether a part is given as bytes, a Blob, a stream or a source', async () => {
    const { bucket } = memoryBucket()
    const upload = await initiate(bucket, data.length)
    const body = (n: number) => part(upload, n) as Uint8Array<ArrayBuffer>
    await upload.uploadPart(1, body(1))
    await upload.uploadPart(2, new Blob([body(2)]))
    await upload.uploadPart(3, new Blob([body(3)]).stream())
    await upload.uploadPart(4, chunked(body(4), 1, 999))
    await upload.uploadPart(5, { sizeBytes: PART, open: () => chunked(body(5), 17) })
    await upload.uploadPart(6, { open: () => chunked(body(6), 3) })
    await upload.completeMultipartUpload()
    expect(await bucket.getBytes('a')).toEqual(data)
  })

  test('can be read at any offset around the boundaries of its parts', async () => {
    const { bucket } = memoryBucket()
    const upload = await initiate(bucket, data.length)
    await sendAll(upload)
    await upload.completeMultipartUpload()
    for (const start of [PART - 17, PART - 1, PART, PART + 1, 3 * PART - 15, 5 * PART + 16]) {
      const end = Math.min(start + 40, data.length - 1)
      expect(await bucket.getBytes('a', { range: { start, end } })).toEqual(data.subarray(start, end + 1))
    }
  })

  test('has its own key and IV in each upload', async () => {
    const { bucket, transport } = memoryBucket()
    const uploads = [await initiate(bucket, 20), await initiate(bucket, 20)]
    const envelopes = uploads.map((upload) => upload.toJSON().envelope)
    for (const name of [V2_HEADERS.wrappedCek, V2_HEADERS.wrappedIv]) {
      expect(envelopes[0]?.[name]).not.toBe(envelopes[1]?.[name])
    }
    const sent = watchParts(transport)
    for (const upload of uploads) await upload.uploadPart(1, data.subarray(0, 20))
    expect(sent[0]?.bytes).not.toEqual(sent[1]?.bytes)
  })

  test('of parts that were listed page by page is correct', async () => {
    const { bucket, transport } = memoryBucket()
    const first = await initiate(bucket, data.length)
    await sendAll(first)
    const listParts = transport.listParts.bind(transport)
    transport.listParts = async (request) => {
      const { parts } = await listParts(request)
      const last = parts[1]
      return {
        parts: parts.slice(0, 2),
        ...(parts.length > 2 && last && { nextMarker: `${last.partNumber}` }),
      }
    }
    const upload = await resumed(bucket, first.toJSON())
    expect((await upload.listParts()).map(({ partNumber }) => partNumber)).toEqual([1, 2, 3, 4, 5, 6])
    await upload.completeMultipartUpload()
    expect(await bucket.getBytes('a')).toEqual(data)
  })
})

describe('headers', () => {
  test('the same envelope is sent with the initiation and each part, and not with the completion', async () => {
    const { bucket, transport } = memoryBucket()
    const upload = await initiate(bucket, data.length)
    await sendAll(upload)
    await upload.completeMultipartUpload()
    const envelope = envelopeOf(transport.objects.get('a')?.headers)
    expect(envelope).toMatchObject({
      [V2_HEADERS.cekAlgorithm]: 'AES/CTR/NoPadding',
      [V2_HEADERS.dataSize]: String(data.length),
    })
    for (const { headers } of [
      ...requestsOf(transport, 'initiate'),
      ...requestsOf(transport, 'uploadPart'),
    ]) {
      expect(envelopeOf(headers)).toEqual(envelope)
    }
    expect(requestsOf(transport, 'uploadPart')).toHaveLength(6)
    expect(envelopeOf(requestsOf(transport, 'complete')[0]?.headers)).toEqual({})
  })

  test.each([
    ['x-oss-meta-author', 'me', ['initiate']],
    ['content-type', 'text/x-test', ['initiate']],
    ['content-disposition', 'attachment', ['initiate']],
    ['x-oss-storage-class', 'IA', ['initiate']],
    ['x-oss-tagging', 'a=1', ['initiate']],
    ['x-oss-server-side-encryption', 'AES256', ['initiate']],
    ['x-oss-forbid-overwrite', 'true', ['initiate', 'complete']],
    ['x-oss-traffic-limit', '819200', ['uploadPart']],
    ['x-oss-object-acl', 'private', ['complete']],
    ['x-oss-callback', 'e30=', ['complete']],
    ['x-oss-callback-var', 'e30=', ['complete']],
    ['x-oss-request-payer', 'requester', ['initiate', 'uploadPart', 'listParts', 'complete']],
  ])(
    '%s is sent with the requests that need it, also after a resume in another process',
    async (name, value, expected) => {
      const { bucket, transport } = memoryBucket()
      const begun = await initiate(bucket, PART + 1, { headers: { [name]: value } })
      await begun.uploadPart(1, part(begun, 1))
      const upload = await resumed(bucket, JSON.parse(JSON.stringify(begun)))
      await upload.uploadPart(2, part(upload, 2))
      await upload.completeMultipartUpload()
      const sent = transport.requests.filter(({ operation }) =>
        /initiate|uploadPart|listParts|complete/.test(operation),
      )
      expect(sent.filter(({ headers }) => headers[name] === value).map(({ operation }) => operation)).toEqual(
        sent.map(({ operation }) => operation).filter((operation) => expected.includes(operation)),
      )
    },
  )

  test('a Content-MD5 of the plaintext is only in the envelope', async () => {
    const { bucket, transport } = memoryBucket()
    const contentMd5 = 'XUFAKrxLKna5cZ2REBfFkg=='
    const upload = await initiate(bucket, 20, { contentMd5 })
    await upload.uploadPart(1, data.subarray(0, 20))
    await upload.completeMultipartUpload()
    for (const { headers } of transport.requests) expect(headers).not.toHaveProperty('content-md5')
    expect(transport.objects.get('a')?.headers[V2_HEADERS.unencryptedContentMd5]).toBe(contentMd5)
  })

  test('a part takes its own headers, and they are sent with no other part', async () => {
    const { bucket, transport } = memoryBucket()
    const upload = await initiate(bucket, data.length, { headers: { 'x-oss-traffic-limit': '819200' } })
    const bytes = data.subarray(0, upload.plan.part(1).sizeBytes)
    const headers = { 'X-Oss-Traffic-Limit': '900000', 'cache-control': 'no-store' }
    await upload.uploadPart(1, bytes, { headers })
    await upload.uploadPart(1, bytes)
    const sent = requestsOf(transport, 'uploadPart').map((request) => request.headers)
    const envelope = envelopeOf(sent[0])
    expect(sent).toEqual([
      { ...envelope, 'x-oss-traffic-limit': '900000' },
      { ...envelope, 'x-oss-traffic-limit': '819200' },
    ])
    await expect(upload.uploadPart(1, bytes, { headers: { 'content-length': '1' } })).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_CSE_INVALID_ARGUMENT' }),
    )
    expect(requestsOf(transport, 'uploadPart')).toHaveLength(2)
  })

  test('the completion takes its own headers, and they are sent with no other request', async () => {
    const { bucket, transport } = memoryBucket()
    const upload = await initiate(bucket, data.length, { headers: { 'x-oss-object-acl': 'private' } })
    await sendAll(upload)
    const headers = { 'X-Oss-Callback': 'e30=', 'x-oss-object-acl': 'default', 'cache-control': 'no-store' }
    await upload.completeMultipartUpload({ headers })
    expect(requestsOf(transport, 'complete').map((request) => request.headers)).toEqual([
      { 'x-oss-callback': 'e30=', 'x-oss-object-acl': 'default' },
    ])
  })

  test('the response of the callback server to the completion is returned', async () => {
    const { bucket, transport } = memoryBucket()
    const complete = transport.complete.bind(transport)
    transport.complete = async (request) => ({ ...(await complete(request)), data: Uint8Array.of(7) })
    const upload = await initiate(bucket, 20)
    await upload.uploadPart(1, data.subarray(0, 20))
    expect((await upload.completeMultipartUpload()).callbackData).toEqual(Uint8Array.of(7))
  })
})

describe('refused before any request', () => {
  test.each([
    ['a part size below the smallest', 1_000_000, 102_384, 'the nearest is 102400'],
    ['a part size of 0', 1_000_000, 0, 'the nearest is 102400'],
    ['a negative part size', 1_000_000, -16, 'the nearest is 102400'],
    ['a part size that is not a multiple of 16', 1_000_000, 102_423, 'the nearest is 102416'],
    ['a fractional part size', 1_000_000, 102_400.5, 'the nearest is 102400'],
    ['a part size that is not a number', 1_000_000, Number.NaN, 'the nearest is 102400'],
    ['one part too many', 10_000 * PART + 1, PART, 'the nearest is 102416'],
    ['a part size above the largest', 1_000_000, 5 * 1024 ** 3 + 16, 'the nearest is 5368709120'],
    ['an infinite part size', 1_000_000, Number.POSITIVE_INFINITY, 'the nearest is 5368709120'],
  ])(
    '%s, and the error names the nearest valid part size',
    async (_what, sizeBytes, partSizeBytes, message) => {
      const { bucket, transport } = memoryBucket()
      const initiated = bucket.initiateMultipartUpload('a', { sizeBytes, partSizeBytes })
      await expect(initiated).rejects.toEqual(code('ERR_CSE_INVALID_ARGUMENT'))
      await expect(initiated).rejects.toThrow(message)
      expect(transport.requests).toEqual([])
    },
  )

  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '5', undefined, 10_000 * 5 * 1024 ** 3 + 1])(
    'an object of %s bytes',
    async (sizeBytes) => {
      const { bucket, transport } = memoryBucket()
      await expect(bucket.initiateMultipartUpload('a', { sizeBytes: sizeBytes as number })).rejects.toEqual(
        code('ERR_CSE_INVALID_ARGUMENT'),
      )
      expect(transport.requests).toEqual([])
    },
  )

  test('10,000 parts are allowed', async () => {
    const { bucket } = memoryBucket()
    const upload = await initiate(bucket, 10_000 * PART)
    expect(upload.plan).toMatchObject({ partCount: 10_000, partSizeBytes: PART })
  })

  test.each([
    ['envelope headers', { headers: { [V2_HEADERS.wrappedCek]: 'x' } }, 'ERR_CSE_INVALID_ARGUMENT'],
    ['processing on the server', { headers: { 'x-oss-process': 'x' } }, 'ERR_CSE_OPERATION_REFUSED'],
    ['too much metadata', { metadata: { a: 'x'.repeat(8200) } }, 'ERR_CSE_METADATA_TOO_LARGE'],
    [
      'metadata that leaves no room for the envelope',
      { metadata: { a: 'x'.repeat(8000) } },
      'ERR_CSE_METADATA_TOO_LARGE',
    ],
    ['an invalid MD5', { contentMd5: 'abc' }, 'ERR_CSE_INVALID_ARGUMENT'],
  ])('%s', async (_what, options, expected) => {
    const { bucket, transport } = memoryBucket()
    await expect(initiate(bucket, 20, options)).rejects.toEqual(code(expected))
    expect(transport.requests).toEqual([])
  })

  test.each([0, 7, -1, 1.5, Number.NaN, '1', undefined])('the part number %s', async (partNumber) => {
    const { bucket, transport } = memoryBucket()
    const upload = await initiate(bucket, data.length)
    await expect(upload.uploadPart(partNumber as number, data.subarray(0, PART))).rejects.toEqual(
      code('ERR_CSE_INVALID_ARGUMENT'),
    )
    expect(operations(transport)).toEqual(['initiate'])
  })

  test.each([
    [1, PART - 1],
    [1, PART + 1],
    [1, 0],
    [6, 16],
    [6, 18],
    [6, PART],
  ])('a body for part %i of %i bytes, whichever property has its length', async (partNumber, size) => {
    const { bucket, transport } = memoryBucket()
    const bytes = data.slice(0, size)
    const persisted: MultipartUploadState[] = []
    const upload = await initiate(bucket, data.length, {
      persist: async (state) => void persisted.push(state),
    })
    const refusals = [
      [bytes, 'ERR_CSE_INVALID_ARGUMENT'],
      [new Blob([bytes]), 'ERR_CSE_INVALID_ARGUMENT'],
      [{ sizeBytes: size, open: () => chunked(bytes, 999) }, 'ERR_CSE_INVALID_ARGUMENT'],
      [{ open: () => chunked(bytes, 999) }, 'ERR_CSE_SOURCE'],
      [chunked(bytes, 999), 'ERR_CSE_SOURCE'],
      [new Blob([bytes]).stream(), 'ERR_CSE_SOURCE'],
    ] as const
    for (const [body, expected] of refusals) {
      await expect(upload.uploadPart(partNumber, body)).rejects.toEqual(code(expected))
    }
    expect(operations(transport)).toEqual(['initiate'])
    expect(persisted.at(-1)?.partDigests).toEqual({})
    const right = data.subarray(0, partNumber === 1 ? PART : 17)
    await expect(upload.uploadPart(partNumber, right)).resolves.toMatchObject({ partNumber })
  })

  test('a body with another length than announced', async () => {
    const { bucket, transport } = memoryBucket()
    const upload = await initiate(bucket, data.length)
    for (const size of [PART - 1, PART + 1]) {
      const body = { sizeBytes: PART, open: () => chunked(data.subarray(0, size), 999) }
      await expect(upload.uploadPart(1, body)).rejects.toEqual(code('ERR_CSE_SOURCE'))
    }
    expect(operations(transport)).toEqual(['initiate'])
  })

  test('a body that fails, with its own error as the cause', async () => {
    const { bucket, transport } = memoryBucket()
    const upload = await initiate(bucket, data.length)
    const cause = new Error('the disk is gone')
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield data.subarray(0, 1000)
      throw cause
    }
    await expect(upload.uploadPart(1, broken())).rejects.toMatchObject({
      code: 'ERR_CSE_SOURCE',
      cause,
      objectKey: 'a',
    })
    expect(operations(transport)).toEqual(['initiate'])
  })

  test.each([5, null, undefined, {}, ['a']])('the body %j', async (body) => {
    const { bucket, transport } = memoryBucket()
    const upload = await initiate(bucket, 1)
    await expect(upload.uploadPart(1, body as never)).rejects.toEqual(code('ERR_CSE_INVALID_ARGUMENT'))
    expect(operations(transport)).toEqual(['initiate'])
  })

  test('a stream for a part that is too large for memory', async () => {
    const { bucket, transport } = memoryBucket()
    const size = MAX_HELD_BYTES + 16
    const upload = await initiate(bucket, size, { partSizeBytes: size })
    await expect(upload.uploadPart(1, chunked(data, 1000))).rejects.toEqual(code('ERR_CSE_INVALID_ARGUMENT'))
    expect(operations(transport)).toEqual(['initiate'])
  })

  test('the completion of an upload with missing parts, which the error names', async () => {
    const { bucket, transport } = memoryBucket()
    const upload = await initiate(bucket, data.length)
    for (const n of [2, 4, 5]) await upload.uploadPart(n, part(upload, n))
    const completed = upload.completeMultipartUpload()
    await expect(completed).rejects.toEqual(code('ERR_CSE_INVALID_ARGUMENT'))
    await expect(completed).rejects.toThrow('3 of 6 parts are missing: 1, 3, 6')
    expect(operations(transport)).not.toContain('complete')
    for (const n of [1, 3, 6]) await upload.uploadPart(n, part(upload, n))
    await upload.completeMultipartUpload()
    expect(await bucket.getBytes('a')).toEqual(data)
  })

  test('multipart uploads over a transport without them', async () => {
    const { put, get, head } = memoryBucket().transport
    const { bucket } = memoryBucket({ transport: { put, get, head } })
    await expect(initiate(bucket, 20)).rejects.toEqual(code('ERR_CSE_OPERATION_REFUSED'))
    await expect(bucket.upload('a', data, { multipartThresholdBytes: 1 })).rejects.toEqual(
      code('ERR_CSE_OPERATION_REFUSED'),
    )
  })
})

describe('never two ciphertexts under one counter', () => {
  test('a part that is sent again has the same bytes, even if its source has changed', async () => {
    const { bucket, transport } = memoryBucket()
    let attempts = 0
    const sent = watchParts(transport, (_, response) => {
      attempts += 1
      if (attempts < 4) throw lost
      return response
    })
    let opened = 0
    const open = () => chunked(opened++ === 0 ? data.subarray(0, PART) : otherData.subarray(0, PART), 999)
    const upload = await initiate(bucket, PART)
    await upload.uploadPart(1, { sizeBytes: PART, open })
    expect(sent).toHaveLength(4)
    for (const { bytes } of sent) expect(bytes).toEqual(sent[0]?.bytes)
    await upload.completeMultipartUpload()
    expect(await bucket.getBytes('a')).toEqual(data.subarray(0, PART))
  })

  test('a part whose buffer the caller overwrites during the request is sent again unchanged', async () => {
    const { bucket, transport } = memoryBucket()
    const bytes = data.slice(0, PART)
    let attempts = 0
    const sent = watchParts(transport, (_, response) => {
      attempts += 1
      bytes.fill(attempts)
      if (attempts < 3) throw lost
      return response
    })
    const upload = await initiate(bucket, PART)
    await upload.uploadPart(1, bytes)
    await upload.completeMultipartUpload()
    expect(sent.map((attempt) => attempt.bytes)).toEqual([sent[0]?.bytes, sent[0]?.bytes, sent[0]?.bytes])
    expect(await bucket.getBytes('a')).toEqual(data.subarray(0, PART))
  })

  test.each([
    ['that was sent', undefined],
    ['whose request failed', denied],
    ['whose request failed each time', lost],
  ])('a part %s is refused with other bytes, and sent with the same', async (_what, failure) => {
    const { bucket, transport } = memoryBucket()
    const upload = await initiate(bucket, data.length)
    let failing = failure !== undefined
    const sent = watchParts(transport, (_, response) => {
      if (failing && failure !== undefined) throw failure
      return response
    })
    await upload.uploadPart(2, part(upload, 2)).catch(() => {})
    failing = false
    const attempts = sent.length
    const changed = part(upload, 2).slice()
    changed[PART - 1] = (changed[PART - 1] ?? 0) ^ 1
    for (const other of [changed, part(upload, 2, otherData), new Uint8Array(PART)]) {
      await expect(upload.uploadPart(2, other)).rejects.toMatchObject({
        code: 'ERR_CSE_SOURCE_CHANGED',
        objectKey: 'a',
      })
    }
    expect(sent).toHaveLength(attempts)
    await upload.uploadPart(2, part(upload, 2))
    expect(sent).toHaveLength(attempts + 1)
    expect(sent.at(-1)?.bytes).toEqual(sent[0]?.bytes)
  })

  test('of two parallel bodies for one part only one is encrypted for the connection', async () => {
    const { bucket, transport } = memoryBucket()
    const sent = watchParts(transport)
    const upload = await initiate(bucket, PART, { persist: settle })
    const [first, second] = await Promise.allSettled([
      upload.uploadPart(1, data.subarray(0, PART)),
      upload.uploadPart(1, otherData.subarray(0, PART)),
    ])
    expect([first.status, second.status].sort()).toEqual(['fulfilled', 'rejected'])
    const [winner, loser] = first.status === 'fulfilled' ? [data, second] : [otherData, first]
    expect(loser).toMatchObject({ reason: { code: 'ERR_CSE_SOURCE_CHANGED' } })
    expect(sent).toHaveLength(1)
    await upload.completeMultipartUpload()
    expect(await bucket.getBytes('a')).toEqual(winner.subarray(0, PART))
  })

  test('another process cannot send other bytes for a part that was started', async () => {
    const { bucket, transport } = memoryBucket()
    const states: MultipartUploadState[] = []
    const first = await initiate(bucket, data.length, { persist: async (state) => void states.push(state) })
    transport.intercept = ({ operation }) => {
      if (operation === 'uploadPart') throw denied
    }
    await expect(first.uploadPart(3, part(first, 3))).rejects.toBe(denied)
    transport.intercept = undefined
    const sent = watchParts(transport)
    const upload = await resumed(bucket, JSON.parse(JSON.stringify(states.at(-1))))
    await expect(upload.uploadPart(3, part(upload, 3, otherData))).rejects.toEqual(
      code('ERR_CSE_SOURCE_CHANGED'),
    )
    expect(sent).toEqual([])
    await upload.uploadPart(3, part(upload, 3))
    expect(sent).toHaveLength(1)
  })

  test('the digest of a part is durable before its first byte is sent', async () => {
    const keyring = new WatchedKeyring()
    const { bucket, transport } = memoryBucket({ keyring })
    let durable: Readonly<Record<string, string>> = {}
    const durableAtFirstByte = new Map<number, string | undefined>()
    const sent = watchParts(transport)
    const uploadPart = transport.uploadPart
    transport.uploadPart = (request) => {
      const { body, partNumber } = request
      async function* open(): AsyncGenerator<Uint8Array> {
        durableAtFirstByte.set(partNumber, durable[partNumber])
        yield* body.open()
      }
      return uploadPart({ ...request, body: { ...body, open } })
    }
    const persist = async (state: MultipartUploadState): Promise<void> => {
      const { partDigests } = JSON.parse(JSON.stringify(state))
      await settle()
      durable = partDigests
    }
    const upload = await initiate(bucket, data.length, { persist })
    await Promise.all([
      ...[6, 1, 4].map((n) => upload.uploadPart(n, part(upload, n))),
      settle().then(() => Promise.all([2, 3, 5].map((n) => upload.uploadPart(n, part(upload, n))))),
    ])
    expect(sent.map(({ partNumber }) => partNumber).sort()).toEqual([1, 2, 3, 4, 5, 6])
    const [contentKey] = keyring.copies
    for (const { partNumber, bytes } of sent) {
      const { offsetBytes } = upload.plan.part(partNumber)
      const expected = await digestOf(contentKey as ContentKey, offsetBytes, bytes)
      expect(durableAtFirstByte.get(partNumber)).toBe(expected)
    }
  })

  test('the state is durable before the upload can be used, and contains no part yet', async () => {
    const { bucket } = memoryBucket()
    const states: MultipartUploadState[] = []
    const upload = await initiate(bucket, data.length, {
      persist: async (state) => {
        await settle()
        states.push(state)
      },
    })
    expect(states).toEqual([upload.toJSON()])
    expect(upload.toJSON()).toMatchObject({ partDigests: {}, uploadId: upload.uploadId, key: 'a' })
  })

  test('if the state cannot be saved nothing is sent, and a later attempt may succeed', async () => {
    const { bucket, transport } = memoryBucket()
    const full = new Error('the disk is full')
    let failing = false
    const states: MultipartUploadState[] = []
    const upload = await initiate(bucket, data.length, {
      persist: async (state) => {
        await settle()
        if (failing) throw full
        states.push(state)
      },
    })
    failing = true
    const results = await Promise.allSettled([1, 2, 3].map((n) => upload.uploadPart(n, part(upload, n))))
    for (const result of results) expect(result).toEqual({ status: 'rejected', reason: full })
    expect(operations(transport)).toEqual(['initiate'])
    failing = false
    await sendAll(upload)
    expect(Object.keys(states.at(-1)?.partDigests ?? {})).toHaveLength(6)
    await upload.completeMultipartUpload()
    expect(await bucket.getBytes('a')).toEqual(data)
  })

  test('an upload whose first state cannot be saved is aborted', async () => {
    const { bucket, transport } = memoryBucket()
    const full = new Error('the disk is full')
    await expect(initiate(bucket, 20, { persist: () => Promise.reject(full) })).rejects.toBe(full)
    expect(await pendingUploads(transport)).toBe(0)
  })

  test('the parts of one upload do not share a counter', async () => {
    const { bucket, transport } = memoryBucket()
    const sent = watchParts(transport)
    const zeros = new Uint8Array(3 * PART)
    const upload = await initiate(bucket, zeros.length)
    await sendAll(upload, zeros)
    const blocks = new Set<string>()
    const keystream = concatBytes(sent.map(({ bytes }) => bytes))
    for (let offset = 0; offset < keystream.length; offset += 16) {
      blocks.add(keystream.subarray(offset, offset + 16).join())
    }
    expect(blocks.size).toBe(keystream.length / 16)
  })
})

describe('the state', () => {
  async function interrupted(): Promise<{
    readonly state: MultipartUploadState
    readonly transport: MemoryTransport
    readonly keyring: WatchedKeyring
    readonly bucket: CryptoBucket
  }> {
    const keyring = new WatchedKeyring()
    const { bucket, transport } = memoryBucket({ keyring })
    const upload = await initiate(bucket, data.length, { headers: { 'x-oss-request-payer': 'requester' } })
    for (const n of [5, 2]) await upload.uploadPart(n, part(upload, n))
    transport.intercept = ({ operation }) => {
      if (operation === 'uploadPart') throw denied
    }
    await upload.uploadPart(3, part(upload, 3)).catch(() => {})
    transport.intercept = undefined
    const state = JSON.parse(JSON.stringify(upload))
    await upload.close()
    transport.requests.length = 0
    return { state, transport, keyring, bucket }
  }
  const open = ({ offsetBytes, sizeBytes }: { offsetBytes: number; sizeBytes: number }) =>
    data.subarray(offsetBytes, offsetBytes + sizeBytes)

  test('never contains the CEK or IV in plaintext, at any time', async () => {
    const keyring = new WatchedKeyring()
    const { bucket } = memoryBucket({ keyring })
    const states: string[] = []
    const upload = await initiate(bucket, data.length, {
      persist: async (state) => void states.push(JSON.stringify(state)),
    })
    await sendAll(upload)
    states.push(JSON.stringify(upload), JSON.stringify(upload.toJSON()))
    const secrets = keyring.copies.flatMap(spellings)
    expect(secrets).toHaveLength(12)
    expect(states).toHaveLength(9)
    for (const state of states) for (const secret of secrets) expect(state).not.toContain(secret)
  })

  test('is resumed in another process: finished parts are verified and not sent again', async () => {
    const { state, transport } = await interrupted()
    const { bucket } = memoryBucket({ transport })
    const sent = watchParts(transport)
    const unverified = await bucket.resumeMultipartUpload(state)
    const verified: number[] = []
    const onVerified = ({ partNumber }: PartRange) => void verified.push(partNumber)
    const upload = await unverified.verifyParts(open, { onVerified })
    const held = upload.doneParts
    expect([...held].sort()).toEqual([2, 5])
    expect(verified.sort()).toEqual([2, 5])
    for (const n of partNumbers(upload)) if (!held.has(n)) await upload.uploadPart(n, part(upload, n))
    await upload.completeMultipartUpload()
    expect(sent.map(({ partNumber }) => partNumber)).toEqual([1, 3, 4, 6])
    expect(await bucket.getBytes('a')).toEqual(data)
  })

  test.each([
    ['a part that was sent', 2],
    ['a part that was started, and perhaps never arrived', 3],
  ])('%s is verified: other bytes are reported before anything is sent', async (_what, changed) => {
    const { state, transport, bucket } = await interrupted()
    const upload = await bucket.resumeMultipartUpload(state)
    const verified = upload.verifyParts(({ partNumber, offsetBytes, sizeBytes }) => {
      const from = partNumber === changed ? otherData : data
      return from.subarray(offsetBytes, offsetBytes + sizeBytes)
    })
    await expect(verified).rejects.toMatchObject({ code: 'ERR_CSE_SOURCE_CHANGED', objectKey: 'a' })
    expect(operations(transport)).not.toContain('uploadPart')
  })

  test('other bytes in a part that was never started are allowed', async () => {
    const { state, bucket } = await interrupted()
    const unverified = await bucket.resumeMultipartUpload(state)
    const changed = data.slice()
    changed.set(otherData.subarray(3 * PART, 4 * PART), 3 * PART)
    const upload = await unverified.verifyParts(({ offsetBytes, sizeBytes }) =>
      changed.subarray(offsetBytes, offsetBytes + sizeBytes),
    )
    const held = upload.doneParts
    for (const n of partNumbers(upload)) {
      if (!held.has(n)) await upload.uploadPart(n, part(upload, n, changed))
    }
    await upload.completeMultipartUpload()
    expect(await bucket.getBytes('a')).toEqual(changed)
  })

  test('a part that the service holds and the state does not know is reported', async () => {
    const { state, bucket } = await interrupted()
    const { 5: _, ...partDigests } = state.partDigests
    const upload = await bucket.resumeMultipartUpload({ ...state, partDigests })
    await expect(upload.verifyParts(open)).rejects.toEqual(code('ERR_CSE_SOURCE_CHANGED'))
  })

  test.each([
    ['length', { sizeBytes: 5 }],
    ['checksum', { crc64: 5n }],
  ])('a part that the service holds with another %s is sent again', async (_what, wrong) => {
    const { state, transport, bucket } = await interrupted()
    const listParts = transport.listParts.bind(transport)
    transport.listParts = async (request) => {
      const { parts } = await listParts(request)
      return { parts: parts.map((listed) => (listed.partNumber === 5 ? { ...listed, ...wrong } : listed)) }
    }
    const upload = await bucket.resumeMultipartUpload(state)
    expect([...(await upload.verifyParts(open)).doneParts]).toEqual([2])
  })

  test('a part that the service has lost is sent again', async () => {
    const { state, transport, bucket } = await interrupted()
    const listParts = transport.listParts.bind(transport)
    transport.listParts = async (request) => {
      const { parts } = await listParts(request)
      return { parts: parts.filter(({ partNumber }) => partNumber !== 2) }
    }
    const upload = await bucket.resumeMultipartUpload(state)
    expect([...(await upload.verifyParts(open)).doneParts]).toEqual([5])
  })

  test('of an upload that was completed is recognized: the completion needs no further request', async () => {
    const { bucket, transport } = memoryBucket()
    const first = await initiate(bucket, data.length)
    await sendAll(first)
    const { crc64, etag } = await first.completeMultipartUpload()
    const upload = await resumed(bucket, first.toJSON())
    expect(upload.doneParts.size).toBe(6)
    transport.requests.length = 0
    expect(await upload.completeMultipartUpload()).toMatchObject({ crc64, etag, verification: 'crc64' })
    expect(transport.requests).toEqual([])
  })

  test.each([
    ['nothing', undefined],
    ['another object', pattern(5)],
  ])(
    'of an upload that is gone, with %s in its place, throws that it is gone',
    async (_what, replacement) => {
      const { state, transport, bucket } = await interrupted()
      await bucket.abortMultipartUpload('a', state.uploadId)
      if (replacement !== undefined) await bucket.put('a', replacement)
      const upload = await bucket.resumeMultipartUpload(state)
      await expect(upload.verifyParts(open)).rejects.toMatchObject({
        code: 'ERR_CSE_NOT_FOUND',
        serviceCode: 'NoSuchUpload',
      })
      expect(transport.objects.get('a')?.bytes.length).toBe(replacement?.length)
    },
  )

  test('that is incomplete, has wrong types or contradicts itself is refused before any request', async () => {
    const { state, transport, bucket, keyring } = await interrupted()
    const without = (name: string) =>
      Object.fromEntries(Object.entries(state).filter(([key]) => key !== name))
    const { [V2_HEADERS.dataSize]: _, ...shortEnvelope } = state.envelope
    const states: unknown[] = [
      ...Object.keys(state).map(without),
      ...Object.keys(state).flatMap((name) =>
        [null, 5.5, -1, '', [5], { a: 1 }, true].map((value) => ({ ...state, [name]: value })),
      ),
      undefined,
      null,
      'state',
      [],
      JSON.stringify(state),
      { ...state, further: 1 },
      { ...state, version: 1 },
      { ...state, version: 3 },
      { ...state, version: '2' },
      { ...state, sizeBytes: String(state.sizeBytes) },
      { ...state, sizeBytes: state.sizeBytes + 1 },
      { ...state, sizeBytes: 0 },
      { ...state, partSizeBytes: PART + 16 },
      { ...state, partSizeBytes: PART + 1 },
      { ...state, partSizeBytes: 16 },
      { ...state, envelope: {} },
      { ...state, envelope: shortEnvelope },
      { ...state, envelope: { ...state.envelope, [V2_HEADERS.partSize]: String(PART + 16) } },
      { ...state, envelope: { ...state.envelope, 'x-oss-object-acl': 'public-read' } },
      { ...state, headers: { [V2_HEADERS.wrappedCek]: 'x' } },
      { ...state, headers: { 'X-Oss-Request-Payer': 'requester' } },
      { ...state, partDigests: { 0: state.partDigests[2] } },
      { ...state, partDigests: { 1: '' } },
      { ...state, partDigests: { 1: btoa('x'.repeat(15)) } },
      { ...state, partDigests: { 1: btoa('x'.repeat(17)) } },
      { ...state, partDigests: { 1: btoa('x'.repeat(32)) } },
      { ...state, partDigests: { 1: `${'A'.repeat(21)}B==` } },
      { ...state, partDigests: { 1: 'A'.repeat(22) } },
      { ...state, partDigests: { 1: `${'-'.repeat(22)}==` } },
      { ...state, partDigests: { a: state.partDigests[2] } },
      { ...state, partDigests: { 1: 'short' } },
      { ...state, partDigests: { 1: 5 } },
    ]
    const accepted: unknown[] = []
    for (const altered of states) {
      const resumed = bucket.resumeMultipartUpload(altered as MultipartUploadState)
      await resumed.then(
        () => accepted.push(altered),
        (error) => expect(error).toEqual(code('ERR_CSE_INVALID_ARGUMENT')),
      )
    }
    expect(accepted).toEqual([])
    expect(transport.requests).toEqual([])
    expect(keyring.unwrapped).toBe(0)
  })

  test('of an older version is refused, and the error says what to do', async () => {
    const { state, bucket, transport } = await interrupted()
    const partDigests = { 2: btoa('x'.repeat(32)) }
    const old = { ...state, version: 1, partDigests } as unknown as MultipartUploadState
    await expect(bucket.resumeMultipartUpload(old)).rejects.toThrow(
      'Invalid multipart state: version must be 2 or 3. Another version of this library made it: abort the upload, and start another.',
    )
    expect(transport.requests).toEqual([])
  })

  test('with another digest of a part is not trusted', async () => {
    const { state, bucket } = await interrupted()
    for (const bit of [1, 128]) {
      for (const position of [0, 15]) {
        const digest = decodeBase64(state.partDigests[2] ?? '') ?? new Uint8Array()
        digest[position] = (digest[position] ?? 0) ^ bit
        const partDigests = { ...state.partDigests, 2: encodeBase64(digest) }
        const upload = await bucket.resumeMultipartUpload({ ...state, partDigests })
        await expect(upload.verifyParts(open)).rejects.toEqual(code('ERR_CSE_SOURCE_CHANGED'))
      }
    }
  })

  test('with the digest of a part outside the plan is refused', async () => {
    const { state, bucket } = await interrupted()
    const partDigests = { ...state.partDigests, 7: state.partDigests[2] as string }
    await expect(bucket.resumeMultipartUpload({ ...state, partDigests })).rejects.toEqual(
      code('ERR_CSE_INVALID_ARGUMENT'),
    )
  })

  test.each([V2_HEADERS.wrappedCek, V2_HEADERS.wrappedIv])(
    'with a damaged %s throws the error of any failed unwrap',
    async (name) => {
      const { state, transport, bucket } = await interrupted()
      for (const wrapped of ['AAAA', 'not base64!', btoa('x'.repeat(40))]) {
        const envelope = { ...state.envelope, [name]: wrapped }
        await expect(bucket.resumeMultipartUpload({ ...state, envelope })).rejects.toEqual(
          code('ERR_CSE_UNWRAP_FAILED'),
        )
      }
      expect(transport.requests).toEqual([])
    },
  )

  test.each([
    ['another master key', { seed: 2 }, 'ERR_CSE_UNWRAP_FAILED'],
    ['a key of another type', { wrapAlgorithm: 'TEST/OTHER' }, 'ERR_CSE_NO_MATCHING_KEY'],
    ['only a public key', { encryptOnly: true }, 'ERR_CSE_CANNOT_UNWRAP'],
  ])('cannot be resumed with %s', async (_what, options, expected) => {
    const { state, transport } = await interrupted()
    const { bucket } = memoryBucket({ transport, provider: createTestProvider(options) })
    await expect(bucket.resumeMultipartUpload(state)).rejects.toMatchObject({
      code: expected,
      objectKey: 'a',
    })
    expect(transport.requests).toEqual([])
  })

  test('is a copy: later changes to the original have no effect', async () => {
    const { bucket } = memoryBucket()
    const upload = await initiate(bucket, data.length)
    const state = upload.toJSON() as { partDigests: Record<string, string> }
    state.partDigests[1] = btoa('x'.repeat(16))
    await upload.uploadPart(1, part(upload, 1))
    expect(upload.toJSON().partDigests[1]).not.toBe(state.partDigests[1])
  })
})

describe('the completion', () => {
  async function ready(options: Parameters<typeof initiate>[2] = {}) {
    const made = memoryBucket()
    const upload = await initiate(made.bucket, 2 * PART + 5, options)
    await sendAll(upload)
    return { ...made, upload, bytes: data.subarray(0, 2 * PART + 5) }
  }
  function loseAnswer(transport: MemoryTransport, afterwards: () => Promise<void> = async () => {}): void {
    const complete = transport.complete.bind(transport)
    let calls = 0
    transport.complete = async (request) => {
      calls += 1
      const response = await complete(request)
      if (calls > 1) return response
      await afterwards()
      throw lost
    }
  }

  test('whose response was lost is recognized by the object', async () => {
    const { bucket, transport, upload, bytes } = await ready()
    loseAnswer(transport)
    const result = await upload.completeMultipartUpload()
    const stored = transport.objects.get('a')
    expect(result).toMatchObject({
      sizeBytes: bytes.length,
      crc64: String(stored?.crc64),
      etag: stored?.etag,
      verification: 'crc64',
    })
    expect(operations(transport).slice(-3)).toEqual(['complete', 'complete', 'head'])
    expect(await bucket.getBytes('a')).toEqual(bytes)
  })

  test('whose response was lost is recognized even if overwriting is forbidden', async () => {
    const { bucket, transport, upload, bytes } = await ready({
      headers: { 'x-oss-forbid-overwrite': 'true' },
    })
    const complete = transport.complete.bind(transport)
    let calls = 0
    transport.complete = async (request) => {
      calls += 1
      if (calls > 1) await bucket.put('a', 'x', { headers: { 'x-oss-forbid-overwrite': 'true' } })
      await complete(request)
      throw lost
    }
    await expect(upload.completeMultipartUpload()).resolves.toMatchObject({ sizeBytes: bytes.length })
  })

  test.each([
    ['removed', async (bucket: CryptoBucket) => bucket.delete('a')],
    [
      'replaced',
      async (bucket: CryptoBucket) => void (await bucket.put('a', data.subarray(0, 2 * PART + 5))),
    ],
    [
      'replaced by a plain one',
      async (_: CryptoBucket, transport: MemoryTransport) => transport.plant('a', pattern(9)),
    ],
  ])('whose response was lost and whose object was %s is not a success', async (_what, change) => {
    const { bucket, transport, upload } = await ready()
    loseAnswer(transport, () => change(bucket, transport))
    await expect(upload.completeMultipartUpload()).rejects.toMatchObject({
      code: 'ERR_CSE_NOT_FOUND',
      serviceCode: 'NoSuchUpload',
    })
  })

  test('whose response was lost, of an object with other bytes under this key, is an integrity failure', async () => {
    const { transport, upload } = await ready()
    loseAnswer(transport, async () => {
      const stored = transport.objects.get('a')
      if (stored !== undefined) transport.objects.set('a', { ...stored, crc64: stored.crc64 ^ 1n })
    })
    await expect(upload.completeMultipartUpload()).rejects.toEqual(code('ERR_CSE_INTEGRITY'))
  })

  test('that is refused because the object exists throws that', async () => {
    const { bucket, transport, upload } = await ready()
    await bucket.put('a', 'old')
    const complete = transport.complete.bind(transport)
    transport.complete = async (request) => {
      await bucket.put('a', 'x', { headers: { 'x-oss-forbid-overwrite': 'true' } })
      return complete(request)
    }
    await expect(upload.completeMultipartUpload()).rejects.toEqual(code('ERR_CSE_PRECONDITION_FAILED'))
    expect(new TextDecoder().decode(await bucket.getBytes('a'))).toBe('old')
  })

  test('that fails may be tried again', async () => {
    const { bucket, transport, upload, bytes } = await ready()
    transport.intercept = ({ operation }) => {
      if (operation === 'complete') throw denied
    }
    await expect(upload.completeMultipartUpload()).rejects.toBe(denied)
    transport.intercept = undefined
    await upload.completeMultipartUpload()
    expect(await bucket.getBytes('a')).toEqual(bytes)
  })

  test('whose response has another checksum is an integrity failure', async () => {
    const { transport, upload } = await ready()
    const complete = transport.complete.bind(transport)
    transport.complete = async (request) => {
      const response = await complete(request)
      return { ...response, headers: { ...response.headers, 'x-oss-hash-crc64ecma': '1' } }
    }
    await expect(upload.completeMultipartUpload()).rejects.toEqual(code('ERR_CSE_INTEGRITY'))
  })

  test('whose response has no checksum says so in the result', async () => {
    const { transport, upload } = await ready()
    const complete = transport.complete.bind(transport)
    transport.complete = async (request) => ({ ...(await complete(request)), headers: {} })
    await expect(upload.completeMultipartUpload()).resolves.toMatchObject({ verification: 'none' })
  })

  test('of a part that the service lists with another length is refused', async () => {
    const { bucket, transport, upload: first } = await ready()
    listPartWith(transport, { sizeBytes: 5 })
    const upload = await resumed(bucket, first.toJSON())
    expect(upload.doneParts.has(2)).toBe(false)
    await expect(upload.completeMultipartUpload()).rejects.toEqual(code('ERR_CSE_INTEGRITY'))
    expect(operations(transport)).not.toContain('complete')
  })

  test.each([
    ['no length', { sizeBytes: undefined }],
    ['no checksum', { crc64: undefined }],
  ])('of a part that the service lists with %s uses what was compared', async (_what, wrong) => {
    const { bucket, transport, upload: first } = await ready()
    listPartWith(transport, wrong)
    const upload = await resumed(bucket, first.toJSON())
    await expect(upload.completeMultipartUpload()).resolves.toMatchObject({ verification: 'crc64' })
  })

  test('and every part of a resumed upload need an upload whose parts were compared', async () => {
    const { bucket, transport, upload: first } = await ready()
    transport.requests.length = 0
    const unverified = await bucket.resumeMultipartUpload(first.toJSON())
    for (const name of ['uploadPart', 'completeMultipartUpload']) expect(unverified).not.toHaveProperty(name)
    const changed = unverified.verifyParts((range) => part(unverified, range.partNumber, otherData))
    await expect(changed).rejects.toEqual(code('ERR_CSE_SOURCE_CHANGED'))
    expect(new Set(operations(transport))).toEqual(new Set(['listParts']))
    // The right plaintext may still be given.
    const upload = await unverified.verifyParts((range) => part(unverified, range.partNumber))
    await expect(upload.completeMultipartUpload()).resolves.toMatchObject({ verification: 'crc64' })
  })

  test('is impossible for an unverified upload that was closed, and its key is wiped', async () => {
    const keyring = new WatchedKeyring()
    const { bucket, transport } = memoryBucket({ keyring })
    const first = await initiate(bucket, 20)
    const unverified = await bucket.resumeMultipartUpload(first.toJSON())
    await first.close()
    await unverified.close()
    expect(keyring.wiped).toBe(true)
    transport.requests.length = 0
    const refused = unverified.verifyParts(() => data.subarray(0, 20))
    await expect(refused).rejects.toMatchObject({ code: 'ERR_CSE_INVALID_ARGUMENT', objectKey: 'a' })
    expect(transport.requests).toEqual([])
  })
})

describe('an unverified upload', () => {
  test('is saved as the state that it was resumed from', async () => {
    const { bucket } = memoryBucket()
    const first = await initiate(bucket, data.length)
    await first.uploadPart(2, part(first, 2))
    const unverified = await bucket.resumeMultipartUpload(first.toJSON())
    expect(JSON.parse(JSON.stringify(unverified))).toEqual(first.toJSON())
  })

  test('is aborted with the headers that it began with, and its key is wiped', async () => {
    const keyring = new WatchedKeyring()
    const { bucket, transport } = memoryBucket({ keyring })
    const headers = { 'x-oss-request-payer': 'requester' }
    const first = await initiate(bucket, 20, { headers })
    const unverified = await bucket.resumeMultipartUpload(first.toJSON())
    await first.close()
    await unverified.abort()
    await unverified.abort()
    expect(keyring.wiped).toBe(true)
    expect(requestsOf(transport, 'abort')).toMatchObject([{ headers }, { headers }])
  })

  test('closes a stream whose part is not what was sent', async () => {
    const { bucket } = memoryBucket()
    const first = await initiate(bucket, data.length)
    await first.uploadPart(1, part(first, 1))
    const unverified = await bucket.resumeMultipartUpload(first.toJSON())
    let cancelled = false
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(1000)),
      cancel() {
        cancelled = true
      },
    })
    await expect(unverified.verifyParts(() => endless)).rejects.toEqual(code('ERR_CSE_SOURCE'))
    expect(cancelled).toBe(true)
  })
})

test('a file of a body is checked before any request', async () => {
  const { bucket, transport } = memoryBucket()
  const upload = await initiate(bucket, 20)
  transport.requests.length = 0
  const open = () => chunked(data.subarray(0, 20), 20)
  for (const body of [
    { sizeBytes: 20, open, file: { fd: '3', sizeBytes: 20, offsetBytes: 0 } },
    { sizeBytes: 20, open, file: { fd: 3, sizeBytes: 20 } },
    { open, file: { fd: 3, sizeBytes: 20, offsetBytes: 0 } },
  ]) {
    await expect(upload.uploadPart(1, body as never)).rejects.toEqual(code('ERR_CSE_INVALID_ARGUMENT'))
  }
  const source = { sizeBytes: data.length, open, file: { fd: '3', sizeBytes: data.length } }
  const options = { multipartThresholdBytes: 1, partSizeBytes: PART }
  await expect(bucket.upload('b', source as never, options)).rejects.toEqual(code('ERR_CSE_INVALID_ARGUMENT'))
  expect(transport.requests).toEqual([])
})

/** Changes the entry of the second part in the service's listing. */
function listPartWith(transport: MemoryTransport, wrong: object): void {
  const listParts = transport.listParts.bind(transport)
  transport.listParts = async (request) => {
    const { parts } = await listParts(request)
    return { parts: parts.map((listed) => (listed.partNumber === 2 ? { ...listed, ...wrong } : listed)) }
  }
}

describe('a part that is stored wrongly', () => {
  test('is sent again', async () => {
    const { bucket, transport, log } = memoryBucket()
    let responses = 0
    const sent = watchParts(transport, (_, response) => {
      responses += 1
      return responses === 1 ? { ...response, crc64: 5n } : response
    })
    const upload = await initiate(bucket, 20)
    await upload.uploadPart(1, data.subarray(0, 20))
    expect(sent).toHaveLength(2)
    expect(sent[1]?.bytes).toEqual(sent[0]?.bytes)
    expect(log).toMatchObject([{ type: 'retry', operation: 'uploadPart', code: 'ERR_CSE_INTEGRITY' }])
  })

  test('each time is an integrity failure, and the part stays missing', async () => {
    const { bucket, transport } = memoryBucket()
    const sent = watchParts(transport, (_, response) => ({ ...response, crc64: 5n }))
    const upload = await initiate(bucket, 20)
    await expect(upload.uploadPart(1, data.subarray(0, 20))).rejects.toMatchObject({
      code: 'ERR_CSE_INTEGRITY',
      objectKey: 'a',
    })
    expect(sent).toHaveLength(4)
  })

  test('without a checksum from the service is detected at the completion', async () => {
    const { bucket, transport } = memoryBucket()
    const uploadPart = transport.uploadPart.bind(transport)
    transport.uploadPart = async (request) => {
      async function* open(): AsyncGenerator<Uint8Array> {
        for await (const chunk of request.body.open()) yield chunk.map((byte) => byte ^ 1)
      }
      const { crc64: _, ...response } = await uploadPart({ ...request, body: { ...request.body, open } })
      return response
    }
    const upload = await initiate(bucket, 20)
    await upload.uploadPart(1, data.subarray(0, 20))
    await expect(upload.completeMultipartUpload()).rejects.toEqual(code('ERR_CSE_INTEGRITY'))
  })
})

describe('the end of an upload', () => {
  test.each([
    ['completed', (upload: MultipartUpload) => upload.completeMultipartUpload()],
    ['aborted', (upload: MultipartUpload) => upload.abort()],
    ['closed', async (upload: MultipartUpload) => upload.close()],
  ])('an upload that was %s refuses every call, and its key is wiped', async (_what, end) => {
    const keyring = new WatchedKeyring()
    const { bucket, transport } = memoryBucket({ keyring })
    const upload = await initiate(bucket, 20)
    await upload.uploadPart(1, data.subarray(0, 20))
    expect(keyring.wiped).toBe(false)
    await end(upload)
    expect(keyring.wiped).toBe(true)
    transport.requests.length = 0
    for (const refused of [
      () => upload.uploadPart(1, data.subarray(0, 20)),
      () => upload.completeMultipartUpload(),
      () => upload.compareParts(() => data.subarray(0, 20)),
    ]) {
      await expect(refused()).rejects.toMatchObject({ code: 'ERR_CSE_INVALID_ARGUMENT', objectKey: 'a' })
    }
    expect(transport.requests).toEqual([])
  })

  test('a part that is being encrypted when the upload is given up is not sent', async () => {
    const { bucket, transport } = memoryBucket()
    const upload = await initiate(bucket, PART)
    const body = {
      sizeBytes: PART,
      async *open() {
        yield data.subarray(0, 1000)
        await upload.abort()
        yield data.subarray(1000, PART)
      },
    }
    await expect(upload.uploadPart(1, body)).rejects.toEqual(code('ERR_CSE_INVALID_ARGUMENT'))
    expect(operations(transport)).toEqual(['initiate', 'abort'])
  })

  test('a part whose state is being saved when the upload is given up is not sent', async () => {
    const { bucket, transport } = memoryBucket()
    let upload: MultipartUpload | undefined
    upload = await initiate(bucket, PART, { persist: async () => upload?.abort() })
    await expect(upload.uploadPart(1, data.subarray(0, PART))).rejects.toEqual(
      code('ERR_CSE_INVALID_ARGUMENT'),
    )
    expect(operations(transport)).toEqual(['initiate', 'abort'])
  })

  test('aborting frees the parts, and an upload that is gone counts as aborted', async () => {
    const { bucket, transport } = memoryBucket()
    const upload = await initiate(bucket, 20)
    await upload.abort()
    expect(await pendingUploads(transport)).toBe(0)
    await upload.abort()
    await bucket.abortMultipartUpload('a', upload.uploadId)
  })

  test('an abort that fails rejects', async () => {
    const { bucket, transport } = memoryBucket()
    const upload = await initiate(bucket, 20)
    transport.intercept = () => {
      throw denied
    }
    await expect(upload.abort()).rejects.toBe(denied)
    await expect(bucket.abortMultipartUpload('a', upload.uploadId)).rejects.toBe(denied)
  })

  test('uploads that were left behind are listed', async () => {
    const { bucket } = memoryBucket()
    const { uploadId } = await initiate(bucket, 20)
    await bucket.initiateMultipartUpload('b', { sizeBytes: 5 })
    const found = []
    for await (const upload of bucket.listUploads({ prefix: 'a' })) found.push(upload)
    expect(found).toMatchObject([{ key: 'a', uploadId }])
  })
})

describe('an abort by a signal', () => {
  const reason = new Error('stop')

  test.each(['initiate', 'uploadPart', 'listParts', 'head', 'complete'])(
    'during %s rejects with its reason',
    async (operation) => {
      const { bucket, transport } = memoryBucket()
      const first = await initiate(bucket, 2 * PART)
      await first.uploadPart(1, part(first, 1))
      const controller = new AbortController()
      const { signal } = controller
      transport.intercept = (request) => {
        if (request.operation !== operation) return
        controller.abort(reason)
        throw reason
      }
      const calls: Record<string, () => Promise<unknown>> = {
        initiate: () => initiate(bucket, 20, { signal }),
        uploadPart: () => first.uploadPart(2, part(first, 2), { signal }),
        listParts: () => first.completeMultipartUpload({ signal }),
        head: async () => {
          await bucket.abortMultipartUpload('a', first.uploadId)
          await first.compareParts(({ partNumber }) => part(first, partNumber), { signal })
        },
        complete: async () => {
          await first.uploadPart(2, part(first, 2))
          await first.completeMultipartUpload({ signal })
        },
      }
      await expect(calls[operation]?.()).rejects.toBe(reason)
    },
  )

  test('before a call rejects with its reason, and nothing is sent', async () => {
    const { bucket, transport } = memoryBucket()
    const upload = await initiate(bucket, 20)
    transport.requests.length = 0
    const signal = AbortSignal.abort(reason)
    await expect(initiate(bucket, 20, { signal })).rejects.toBe(reason)
    await expect(upload.uploadPart(1, data.subarray(0, 20), { signal })).rejects.toBe(reason)
    await expect(upload.compareParts(() => data, { signal })).rejects.toBe(reason)
    await expect(upload.completeMultipartUpload({ signal })).rejects.toBe(reason)
    await expect(bucket.resumeMultipartUpload(upload.toJSON(), { signal })).rejects.toBe(reason)
    expect(transport.requests).toEqual([])
  })

  test('while a body is read rejects with its reason, and closes the body', async () => {
    const { bucket, transport } = memoryBucket()
    const upload = await initiate(bucket, PART)
    const controller = new AbortController()
    let closed = false
    async function* body(): AsyncGenerator<Uint8Array> {
      try {
        yield data.subarray(0, 1000)
        controller.abort(reason)
        yield data.subarray(1000, PART)
      } finally {
        closed = true
      }
    }
    await expect(upload.uploadPart(1, body(), { signal: controller.signal })).rejects.toBe(reason)
    expect(closed).toBe(true)
    expect(operations(transport)).toEqual(['initiate'])
  })

  test('ends the wait for a stalled body', async () => {
    const { bucket } = memoryBucket()
    const upload = await initiate(bucket, PART)
    const controller = new AbortController()
    const stalled = new ReadableStream<Uint8Array>({
      pull: () => {
        queueMicrotask(() => controller.abort(reason))
        return new Promise(() => {})
      },
    })
    await expect(upload.uploadPart(1, stalled, { signal: controller.signal })).rejects.toBe(reason)
  })

  test('just as the response to the initiation arrives leaves no upload behind', async () => {
    const { bucket, transport } = memoryBucket()
    const controller = new AbortController()
    transport.intercept = () => controller.abort(reason)
    await expect(initiate(bucket, 20, { signal: controller.signal })).rejects.toBe(reason)
    transport.intercept = undefined
    expect(await pendingUploads(transport)).toBe(0)
  })
})

describe('retries', () => {
  test.each(['initiate', 'uploadPart', 'listParts', 'complete', 'abort'])(
    'of %s follow the options, and are logged',
    async (operation) => {
      const { bucket, transport, log } = memoryBucket()
      let failures = 0
      transport.intercept = (request) => {
        if (request.operation === operation && ++failures <= 3) throw lost
      }
      const first = await initiate(bucket, 20)
      await first.uploadPart(1, data.subarray(0, 20))
      const upload = await resumed(bucket, first.toJSON())
      await upload.completeMultipartUpload()
      await upload.abort()
      expect(failures).toBeGreaterThanOrEqual(4)
      expect(log).toEqual(
        [1, 2, 3].map((attempt) => ({
          type: 'retry',
          operation,
          key: 'a',
          attempt,
          code: 'ERR_CSE_NETWORK',
        })),
      )
      expect(await bucket.getBytes('a')).toEqual(data.subarray(0, 20))
    },
  )

  test('report the bytes of each attempt from zero', async () => {
    const { bucket, transport } = memoryBucket()
    let attempts = 0
    watchParts(transport, (_, response) => {
      attempts += 1
      if (attempts === 1) throw lost
      return response
    })
    const upload = await initiate(bucket, PART)
    const reports: number[] = []
    await upload.uploadPart(1, data.subarray(0, PART), { onSentBytes: (bytes) => reports.push(bytes) })
    const [first, second] = [reports.slice(0, reports.length / 2), reports.slice(reports.length / 2)]
    expect(first.at(-1)).toBe(PART)
    expect(second).toEqual(first)
  })
})
