import {
  type ByteRange,
  CseError,
  concatBytes,
  encodeEnvelope,
  type GetObjectResponse,
  TransportError,
} from '@oss-cse/crypto-core'
import { SegmentPlan, V2_HEADERS } from '@oss-cse/crypto-core/internal'
import { createTestProvider, MemoryTransport } from '@oss-cse/crypto-core/testing'
import { describe, expect, test } from 'vitest'
import { CryptoBucket, type CryptoBucketOptions } from '../src/crypto-bucket.ts'
import { MemoryCheckpointStore } from '../src/resume/checkpoint-store.ts'
import { broken, chunked, difference, pattern } from './bytes.ts'
import { memoryBucket } from './memory-bucket.ts'
import { MemoryTarget } from './memory-target.ts'
import { lost } from './multipart.ts'
import { openReference, sealReference, sealSegmentReference } from './sealed-reference.ts'
import { WatchedKeyring } from './watched-keys.ts'

const Z = 65_536
const SEALED = 'AES256_GCM_HKDF_64KB'
const code = (value: string) => expect.objectContaining({ code: value })
const data = pattern(5 * Z)
/** At the borders of segments, and off them. */
const SIZES = [0, 1, 1000, Z - 57, Z - 56, Z - 55, 2 * Z - 73, 2 * Z - 72, 2 * Z - 71, 3 * Z]

function sealingBucket(options: Partial<CryptoBucketOptions> = {}) {
  const keyring = new WatchedKeyring()
  const made = memoryBucket({ keyring, format: 'sealed', ...options })
  /** The same objects, read under other policies. */
  const reader = (policies: Partial<CryptoBucketOptions>) =>
    memoryBucket({ transport: made.transport, keyring, ...policies }).bucket
  return { ...made, keyring, reader }
}

function storedBytes(transport: MemoryTransport, key = 'a'): Uint8Array {
  const object = transport.objects.get(key)
  if (object === undefined) throw new Error('not stored')
  return object.bytes
}

/** Replaces the stored bytes, as somebody does who may write to the bucket. */
async function forge(transport: MemoryTransport, bytes: Uint8Array, headers = {}, key = 'a'): Promise<void> {
  const { headers: old } = transport.objects.get(key) as { headers: Record<string, string> }
  await transport.plant(key, bytes, { ...old, ...headers })
}

async function read(run: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of run) chunks.push(chunk.slice())
  return concatBytes(chunks)
}

/** Reads until an error: what was released, and the error. */
async function released(body: AsyncIterable<Uint8Array>): Promise<{ bytes: Uint8Array; error: unknown }> {
  const chunks: Uint8Array[] = []
  try {
    for await (const chunk of body) chunks.push(chunk.slice())
    return { bytes: concatBytes(chunks), error: undefined }
  } catch (error) {
    return { bytes: concatBytes(chunks), error }
  }
}

/** The same of a get, which may already fail before it has a body. */
async function releasedBy(get: ReturnType<CryptoBucket['get']>) {
  return get.then(
    ({ body }) => released(body),
    (error: unknown) => ({ bytes: new Uint8Array(), error }),
  )
}

/** A download in parts that failed at its third write, and is to be resumed with the same options. */
async function interruptedDownload(bucket: CryptoBucket) {
  const checkpointStore = new MemoryCheckpointStore()
  const options = { partSizeBytes: 102_400, multipartThresholdBytes: 1, parallel: 1, checkpointStore }
  const target = new MemoryTarget()
  let writes = 0
  target.intercept = (call) => {
    if (call === 'write' && ++writes === 3) throw new Error('disk full')
  }
  await expect(bucket.download('a', target, options)).rejects.toThrow('disk full')
  target.intercept = undefined
  return { options, target }
}

describe('a sealed put', () => {
  test.each(SIZES)('of %i bytes is what another implementation opens', async (sizeBytes) => {
    const { bucket, transport, keyring } = sealingBucket()
    const plaintext = data.subarray(0, sizeBytes)
    // An iterator that returns nothing may have been read before, and is refused.
    for (const body of sizeBytes === 0 ? [plaintext] : [plaintext, chunked(plaintext, 1000, 70_000)]) {
      const result = await bucket.put('a', body)
      expect(result).toMatchObject({ sizeBytes, sealed: true, verification: 'crc64' })
      const key = keyring.copies.at(-1)
      if (key === undefined) throw new Error('no key')
      expect(difference(await openReference(key, storedBytes(transport)), plaintext)).toBeUndefined()
      expect(result.commitment).toMatch(/^[\w-]{43}$/)
      const { headers } = transport.objects.get('a') as { headers: Record<string, string> }
      expect(headers[V2_HEADERS.cekAlgorithm]).toBe(SEALED)
      if (body === plaintext) expect(headers[V2_HEADERS.unencryptedContentLength]).toBe(String(sizeBytes))
    }
    expect(keyring.wiped).toBe(true)
  })

  test('announces the stored length, and reports progress in bytes of plaintext', async () => {
    const { bucket, transport } = sealingBucket()
    let announced: number | undefined
    const put = transport.put.bind(transport)
    transport.put = (request) => {
      announced = request.body.sizeBytes
      return put(request)
    }
    const progress: number[] = []
    await bucket.put('a', data, {
      onProgress: ({ transferredBytes, totalBytes }) => {
        expect(totalBytes).toBe(data.length)
        progress.push(transferredBytes)
      },
    })
    expect(announced).toBe(storedBytes(transport).length)
    expect(progress).toEqual([...progress].sort((a, b) => a - b))
    expect(progress.at(-1)).toBe(data.length)
  })

  test('that fails is repeated under a new key, and stores nothing if its source changes its length', async () => {
    const { bucket, transport, keyring } = sealingBucket()
    let failures = 0
    transport.intercept = ({ operation }) => {
      if (operation === 'put' && failures++ === 0) throw lost
    }
    await bucket.put('a', data)
    expect(new Set(keyring.copies.map(({ cek }) => String(cek))).size).toBe(2)
    transport.objects.clear()
    for (const sizeBytes of [data.length - 1, data.length + 1]) {
      const body = { sizeBytes, open: () => chunked(data, 1000) }
      await expect(bucket.put('a', body)).rejects.toEqual(code('ERR_CSE_SOURCE'))
    }
    expect(transport.objects.size).toBe(0)
  })

  test('is refused where it cannot be, before any request', async () => {
    const { bucket, transport } = sealingBucket()
    await expect(bucket.put('a', data, { context: 'x'.repeat(1025) })).rejects.toEqual(
      code('ERR_CSE_INVALID_ARGUMENT'),
    )
    const plain = memoryBucket({ transport })
    await expect(plain.bucket.put('a', data, { context: 'x' })).rejects.toEqual(
      code('ERR_CSE_INVALID_ARGUMENT'),
    )
    for (const partSizeBytes of [65_536, 131_072 + 16]) {
      await expect(bucket.upload('a', data, { partSizeBytes })).rejects.toEqual(
        code('ERR_CSE_INVALID_ARGUMENT'),
      )
      await expect(
        bucket.initiateMultipartUpload('a', { sizeBytes: data.length, partSizeBytes }),
      ).rejects.toEqual(code('ERR_CSE_INVALID_ARGUMENT'))
    }
    expect(transport.requests).toEqual([])
  })
})

describe('a sealed upload in parts', () => {
  const PART = 2 * Z
  const plaintext = pattern(7 * Z + 9)
  const options = { partSizeBytes: PART, multipartThresholdBytes: 1 }

  /** A source whose checkpoint is found again, and that always says that it is unchanged. */
  const sourceOf = (bytes: Uint8Array) => ({
    sizeBytes: bytes.length,
    open: (start: number, size: number) => chunked(bytes.subarray(start, start + size), 10_000),
    identity: '/a',
    fingerprint: async () => 'same',
  })

  /** Every body of every part that was sent, whole or not. Two of one part must agree as far as both go. */
  function watchWire(transport: MemoryTransport) {
    const sent = new Map<string, Uint8Array[]>()
    const uploadPart = transport.uploadPart.bind(transport)
    transport.uploadPart = (request) => {
      const chunks: Uint8Array[] = []
      const name = `${request.uploadId} ${request.partNumber}`
      sent.set(name, [...(sent.get(name) ?? []), ...[chunks].map(() => new Uint8Array())])
      const bodies = sent.get(name) as Uint8Array[]
      const index = bodies.length - 1
      const body = {
        ...request.body,
        async *open() {
          for await (const chunk of request.body.open()) {
            chunks.push(chunk.slice())
            bodies[index] = concatBytes(chunks)
            yield chunk
          }
        },
      }
      return uploadPart({ ...request, body })
    }
    return {
      expectOnePlaintext() {
        for (const [first = new Uint8Array(), ...others] of sent.values()) {
          for (const other of others) {
            const length = Math.min(first.length, other.length)
            expect(difference(first.subarray(0, length), other.subarray(0, length))).toBeUndefined()
          }
        }
      },
    }
  }

  test.each([1, 4 * Z, 4 * Z - 104, 4 * Z - 103, 7 * Z + 9])(
    'of %i bytes is one object',
    async (sizeBytes) => {
      const { bucket, transport, keyring } = sealingBucket()
      const source = plaintext.subarray(0, sizeBytes)
      const progress: number[] = []
      const onProgress = ({ transferredBytes }: { transferredBytes: number }) =>
        void progress.push(transferredBytes)
      const result = await bucket.upload('a', source, { ...options, onProgress })
      expect(result).toMatchObject({ sizeBytes, sealed: true, verification: 'crc64' })
      const [key] = keyring.copies
      if (key === undefined) throw new Error('no key')
      expect(difference(await openReference(key, storedBytes(transport)), source)).toBeUndefined()
      const { headers } = transport.objects.get('a') as { headers: Record<string, string> }
      expect(headers).toMatchObject({
        [V2_HEADERS.cekAlgorithm]: SEALED,
        [V2_HEADERS.dataSize]: String(storedBytes(transport).length),
        [V2_HEADERS.partSize]: String(PART),
        [V2_HEADERS.unencryptedContentLength]: String(sizeBytes),
      })
      expect(progress.at(-1)).toBe(sizeBytes)
      expect(progress).toEqual([...progress].sort((a, b) => a - b))
      expect(
        difference(await bucket.getBytes('a', { expectCommitment: result.commitment }), source),
      ).toBeUndefined()
      expect(keyring.wiped).toBe(true)
    },
  )

  test('sends the same bytes again, and resumes with what is missing', async () => {
    const { bucket, transport } = sealingBucket()
    const wire = watchWire(transport)
    const checkpointStore = new MemoryCheckpointStore()
    let requests = 0
    transport.intercept = ({ operation }) => {
      if (operation !== 'uploadPart') return
      requests += 1
      if (requests === 1) throw lost
      if (requests >= 3) throw new Error('killed')
    }
    const source = sourceOf(plaintext)
    await expect(bucket.upload('a', source, { ...options, parallel: 1, checkpointStore })).rejects.toThrow(
      'killed',
    )
    transport.intercept = undefined
    transport.requests.length = 0
    const result = await bucket.upload('a', source, { ...options, parallel: 1, checkpointStore })
    expect(result.resumedBytes).toBeGreaterThan(0)
    expect(transport.requests.some(({ operation }) => operation === 'initiate')).toBe(false)
    expect(difference(await bucket.getBytes('a'), plaintext)).toBeUndefined()
    wire.expectOnePlaintext()
  })

  test('of a source that changed, or in another context or format, restarts under a new key', async () => {
    const { bucket, transport, reader } = sealingBucket()
    const wire = watchWire(transport)
    const changed = plaintext.slice()
    changed[5] = (changed[5] as number) ^ 1
    const attempts: readonly (() => Promise<unknown>)[] = [
      () => bucket.upload('a', sourceOf(changed), { ...options, checkpointStore }),
      () => bucket.upload('a', sourceOf(plaintext), { ...options, checkpointStore, context: 'x' }),
      () => reader({ format: 'aes-ctr' }).upload('a', sourceOf(plaintext), { ...options, checkpointStore }),
    ]
    let checkpointStore = new MemoryCheckpointStore()
    for (const attempt of attempts) {
      checkpointStore = new MemoryCheckpointStore()
      let parts = 0
      transport.intercept = ({ operation }) => {
        if (operation === 'uploadPart' && ++parts === 2) throw new Error('killed')
      }
      await expect(
        bucket.upload('a', sourceOf(plaintext), { ...options, parallel: 1, checkpointStore }),
      ).rejects.toThrow('killed')
      transport.intercept = undefined
      transport.requests.length = 0
      await attempt()
      expect(transport.requests.some(({ operation }) => operation === 'initiate')).toBe(true)
    }
    wire.expectOnePlaintext()
  })

  test('with a context is refused in a bucket that does not seal, and an earlier upload stays', async () => {
    const { bucket, transport } = sealingBucket({ format: 'aes-ctr' })
    expect(bucket.format).toBe('aes-ctr')
    const checkpointStore = new MemoryCheckpointStore()
    transport.intercept = ({ operation }) => {
      if (operation === 'uploadPart') throw new Error('killed')
    }
    const source = sourceOf(plaintext)
    await expect(bucket.upload('a', source, { ...options, checkpointStore })).rejects.toThrow('killed')
    transport.intercept = undefined
    transport.requests.length = 0
    for (const multipartThresholdBytes of [PART, Number.POSITIVE_INFINITY]) {
      const contradictory = { ...options, multipartThresholdBytes, checkpointStore, context: 'x' }
      await expect(bucket.upload('a', source, contradictory)).rejects.toEqual(
        code('ERR_CSE_INVALID_ARGUMENT'),
      )
    }
    expect(transport.requests).toEqual([])
    await bucket.upload('a', source, { ...options, checkpointStore })
    expect(transport.requests.some(({ operation }) => operation === 'initiate')).toBe(false)
  })

  test('step by step: a part with another plaintext is refused, and a state is bound to its context', async () => {
    const { bucket, transport } = sealingBucket()
    const upload = await bucket.initiateMultipartUpload('a', {
      sizeBytes: plaintext.length,
      partSizeBytes: PART,
      context: 'x',
    })
    const part = (n: number) => {
      const { offsetBytes, sizeBytes } = upload.plan.part(n)
      return plaintext.slice(offsetBytes, offsetBytes + sizeBytes)
    }
    await upload.uploadPart(2, part(2))
    const other = part(2)
    other[0] = (other[0] as number) ^ 1
    transport.requests.length = 0
    await expect(upload.uploadPart(2, other)).rejects.toEqual(code('ERR_CSE_SOURCE_CHANGED'))
    expect(transport.requests).toEqual([])
    const state = upload.toJSON()
    expect(state.version).toBe(3)
    await upload.close()
    await expect(bucket.resumeMultipartUpload(state)).rejects.toEqual(code('ERR_CSE_INVALID_ARGUMENT'))
    const { commitment: _, ...older } = state
    await expect(bucket.resumeMultipartUpload({ ...older, version: 2 })).rejects.toEqual(
      code('ERR_CSE_INVALID_ARGUMENT'),
    )
    const unverified = await bucket.resumeMultipartUpload(state, { context: 'x' })
    const resumed = await unverified.verifyParts(({ partNumber }) => part(partNumber))
    expect([...resumed.doneParts]).toEqual([2])
    for (let n = 1; n <= resumed.plan.partCount; n++) if (n !== 2) await resumed.uploadPart(n, part(n))
    await resumed.completeMultipartUpload()
    expect(difference(await bucket.getBytes('a', { context: 'x' }), plaintext)).toBeUndefined()
  })

  test('a part that does not fit into memory is compared while it is sent', async () => {
    const { bucket, transport } = sealingBucket()
    const big = 65 * 1024 ** 2
    const upload = await bucket.initiateMultipartUpload('a', {
      sizeBytes: big,
      partSizeBytes: 66 * 1024 ** 2,
    })
    const zeros = new Uint8Array(1024 ** 2)
    let passes = 0
    const body = {
      sizeBytes: big,
      async *open() {
        passes += 1
        for (let i = 0; i < 65; i++) {
          const chunk = zeros.slice()
          if (passes === 2 && i === 30) chunk[0] = 1
          yield chunk
        }
      },
    }
    const sent: Uint8Array[] = []
    transport.uploadPart = async ({ body: { open } }) => {
      for await (const chunk of open()) sent.push(chunk)
      throw new Error('must not be sent whole')
    }
    await expect(upload.uploadPart(1, body)).rejects.toEqual(code('ERR_CSE_SOURCE_CHANGED'))
    expect(passes).toBe(2)
    // No byte of the segment that changed has left.
    expect(sent.reduce((sum, { length }) => sum + length, 0)).toBeLessThanOrEqual(30 * 1024 ** 2 + Z)
    await upload.close()
  })
})

test.each([
  [{ format: 'sealed', accept: 'all' }, "accept must be 'any' or 'sealed'"],
  [{ format: 'gcm' }, "format must be 'aes-ctr' or 'sealed'"],
  [{ format: 'aes-ctr', accept: 'sealed' }, "format must be 'sealed'"],
  [{ accept: 'sealed', onPlainObject: 'passthrough' }, "onPlainObject must be 'reject'"],
  [{ context: 'a' }, 'context must be a function'],
  [{ format: 'sealed', provider: { ...createTestProvider(), envelopeVersion: 1 } }, 'V1'],
])('a bucket whose options contradict one another is not built: %#', (options, message) => {
  const { transport } = memoryBucket()
  const provider = createTestProvider()
  expect(() => new CryptoBucket({ transport, provider, ...options } as CryptoBucketOptions)).toThrow(
    expect.objectContaining({ code: 'ERR_CSE_INVALID_ARGUMENT', message: expect.stringContaining(message) }),
  )
})

test('a bucket that accepts only sealed objects seals by default', async () => {
  const { bucket } = memoryBucket({ accept: 'sealed' })
  expect(await bucket.put('a', data)).toMatchObject({ sealed: true })
})

describe.each(['any', 'sealed'] as const)(
  'reading what another implementation sealed, accepting %s',
  (accept) => {
    /** An object that the reference sealed under a key of the keyring. */
    async function planted(plaintext: Uint8Array, context = '') {
      const made = sealingBucket({ format: accept === 'any' ? 'aes-ctr' : 'sealed', accept })
      const { contentKey, envelope } = await made.keyring.generate({}, {}, 'sealed')
      const { encodeEnvelope } = await import('@oss-cse/crypto-core')
      await made.transport.plant(
        'a',
        await sealReference(contentKey, plaintext, context),
        encodeEnvelope(envelope),
      )
      return { ...made, contentKey }
    }

    test.each(SIZES)('whole, %i bytes', async (sizeBytes) => {
      const plaintext = data.subarray(0, sizeBytes)
      const { bucket, transport, keyring } = await planted(plaintext)
      const { body, ...result } = await bucket.get('a')
      expect(result).toMatchObject({
        sizeBytes,
        totalBytes: sizeBytes,
        verification: 'aead',
        sealed: true,
        commitment: btoa(String.fromCharCode(...storedBytes(transport).subarray(1, 33)))
          .replaceAll('+', '-')
          .replaceAll('/', '_')
          .replace('=', ''),
      })
      expect(difference(await read(body), plaintext)).toBeUndefined()
      expect(transport.requests).toHaveLength(1)
      expect(await bucket.head('a')).toMatchObject({ sizeBytes, sealed: true })
      keyring.copies.length = 0
      keyring.handedOut.length = 0
      expect(difference(await bucket.getBytes('a'), plaintext)).toBeUndefined()
      expect(keyring.wiped).toBe(true)
    })

    test('by range: every range at the borders of segments', async () => {
      const plaintext = data.subarray(0, 3 * Z)
      const { bucket, transport } = await planted(plaintext)
      const offsets = [0, 1, Z - 57, Z - 56, Z - 55, 2 * Z - 72, 2 * Z, 3 * Z - 89, 3 * Z - 88, 3 * Z - 1]
      const ranges: ByteRange[] = offsets.flatMap((start) => [
        { start },
        ...offsets.filter((end) => end >= start).map((end) => ({ start, end })),
        { suffixLength: start + 1 },
      ])
      ranges.push({ start: 5, end: 10 * Z }, { suffixLength: 10 * Z })
      for (const range of ranges) {
        transport.requests.length = 0
        const start = 'start' in range ? range.start : Math.max(0, plaintext.length - range.suffixLength)
        const wantedEnd = 'start' in range ? (range.end ?? plaintext.length) : plaintext.length
        const end = Math.min(wantedEnd, plaintext.length - 1)
        const { body, ...result } = await bucket.get('a', { range })
        expect(result).toMatchObject({
          sizeBytes: end - start + 1,
          totalBytes: plaintext.length,
          contentRange: `bytes ${start}-${end}/${plaintext.length}`,
        })
        expect(difference(await read(body), plaintext.subarray(start, end + 1))).toBeUndefined()
        // Who expects a sealed object asks for its segments at once.
        expect(transport.requests.length).toBeLessThanOrEqual(accept === 'sealed' ? 1 : 2)
      }
    })

    test('by range from an opened object, also in parallel, and with the first range', async () => {
      const plaintext = data.subarray(0, 3 * Z)
      const { bucket, transport } = await planted(plaintext)
      for (const firstRange of [undefined, { start: 0, end: 99_999 }, { start: Z, end: Z + 9 }]) {
        transport.requests.length = 0
        const reader = await bucket.openObject('a', { firstRange })
        expect(reader).toMatchObject({ sizeBytes: plaintext.length, sealed: true })
        const ranges = [
          firstRange ?? { start: 7, end: 7 },
          { start: Z - 100, end: 2 * Z },
          { start: 3 * Z - 9, end: 3 * Z - 1 },
        ]
        const results = await Promise.all(ranges.map((range) => read(reader.read(range))))
        for (const [i, { start, end }] of ranges.entries())
          expect(difference(results[i] as Uint8Array, plaintext.subarray(start, end + 1))).toBeUndefined()
        await expect(read(reader.read({ start: 0, end: 3 * Z }))).rejects.toEqual(
          code('ERR_CSE_RANGE_NOT_SATISFIABLE'),
        )
        await reader.close()
        expect(() => reader.read({ start: 0, end: 0 })).toThrow(code('ERR_CSE_INVALID_ARGUMENT'))
      }
    })

    test('into a target, in parts, and an interrupted download fetches only what is missing', async () => {
      const plaintext = data.subarray(0, 4 * Z + 5)
      const { bucket, transport } = await planted(plaintext)
      const { options, target } = await interruptedDownload(bucket)
      transport.requests.length = 0
      const result = await bucket.download('a', target, options)
      expect(result).toMatchObject({ verification: 'aead', sealed: true, sizeBytes: plaintext.length })
      expect(result.resumedBytes).toBeGreaterThan(Z)
      expect(difference(target.bytes as Uint8Array, plaintext)).toBeUndefined()
      const ranges = transport.requests.flatMap(({ headers }) => headers['range'] ?? [])
      for (const range of ranges) expect(Number(/=(\d+)-/.exec(range)?.[1]) % Z).toBe(0)
      const fetched = new Set(ranges)
      expect(fetched.size).toBe(ranges.length)
    })

    test('a download whose kept bytes were altered fetches them again', async () => {
      const plaintext = data.subarray(0, 4 * Z)
      const { bucket } = await planted(plaintext)
      const { options, target } = await interruptedDownload(bucket)
      const kept = target.partial as Uint8Array
      kept[5] = (kept[5] as number) ^ 1
      await bucket.download('a', target, options)
      expect(difference(target.bytes as Uint8Array, plaintext)).toBeUndefined()
    })

    test('a record with impossible part sizes restarts the download', async () => {
      const plaintext = data.subarray(0, 4 * Z)
      const { bucket } = await planted(plaintext)
      const { options, target } = await interruptedDownload(bucket)
      const { checkpointStore } = options
      const open = checkpointStore.open.bind(checkpointStore)
      checkpointStore.open = async (name) => {
        const checkpoint = await open(name)
        const load = async () => ({ ...((await checkpoint.load()) as object), partSizeBytes: 1 })
        return {
          ...checkpoint,
          load,
          save: (value) => checkpoint.save(value),
          remove: () => checkpoint.remove(),
          close: () => checkpoint.close(),
        }
      }
      const { partSizeBytes: _, ...rest } = options
      expect(await bucket.download('a', target, rest)).toMatchObject({ resumedBytes: 0 })
      expect(difference(target.bytes as Uint8Array, plaintext)).toBeUndefined()
    })

    test('an empty object is downloaded, and its length verified', async () => {
      const { bucket, transport } = await planted(new Uint8Array())
      const target = new MemoryTarget()
      await bucket.download('a', target)
      expect(target.bytes).toEqual(new Uint8Array())
      const forged = storedBytes(transport).slice()
      forged[55] = (forged[55] as number) ^ 1
      await forge(transport, forged)
      await expect(bucket.download('a', target)).rejects.toEqual(code('ERR_CSE_AUTHENTICATION_FAILED'))
    })

    test('with a broken connection, at the same byte of the same object', async () => {
      const plaintext = data.subarray(0, 3 * Z)
      const { bucket, transport } = await planted(plaintext)
      let failures = 0
      transport.alterGet = (response) => {
        if (failures++ >= 3) return response
        return { ...response, body: broken(response.body, 50_000, lost) }
      }
      expect(difference(await bucket.getBytes('a'), plaintext)).toBeUndefined()
      expect(transport.requests.length).toBe(4)
    })

    test('under its context only', async () => {
      const { bucket, reader } = await planted(data, 'reports/ü')
      expect(difference(await bucket.getBytes('a', { context: 'reports/ü' }), data)).toBeUndefined()
      const bound = reader({
        format: 'sealed',
        accept,
        context: (key) => `${key === 'a' ? 'reports/ü' : key}`,
      })
      expect(difference(await bound.getBytes('a'), data)).toBeUndefined()
      for (const context of [undefined, '', 'reports/u', 'reports/ü '])
        await expect(bucket.getBytes('a', { context })).rejects.toEqual(code('ERR_CSE_AUTHENTICATION_FAILED'))
    })
  },
)

describe('altered content', () => {
  async function sealed(plaintext: Uint8Array = data.subarray(0, 3 * Z)) {
    const made = sealingBucket({ accept: 'sealed' })
    const { commitment } = await made.bucket.put('a', plaintext)
    return { ...made, plaintext, commitment: commitment as string, stored: storedBytes(made.transport) }
  }

  /** Every way of reading releases nothing but what was sealed, and ends with an error. */
  async function expectRefused(
    bucket: CryptoBucket,
    plaintext: Uint8Array,
    errorCode: string,
  ): Promise<void> {
    const refused = code(errorCode)
    await expect(bucket.getBytes('a')).rejects.toEqual(refused)
    const got = await releasedBy(bucket.get('a'))
    expect(got.error).toEqual(refused)
    expect(difference(got.bytes, plaintext.subarray(0, got.bytes.length))).toBeUndefined()
    const target = new MemoryTarget()
    await expect(
      bucket.download('a', target, { partSizeBytes: 102_400, multipartThresholdBytes: 1 }),
    ).rejects.toEqual(refused)
    expect([target.bytes, target.partial]).toEqual([undefined, undefined])
    const last = { suffixLength: 10 }
    const suffix = await releasedBy(bucket.get('a', { range: last }))
    expect(
      difference(suffix.bytes, plaintext.subarray(plaintext.length - 10).subarray(0, suffix.bytes.length)),
    ).toBeUndefined()
  }

  const flip = (bytes: Uint8Array, at: number) => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte))

  test.each([
    ['a bit of the header', (stored: Uint8Array) => flip(stored, 3)],
    ['a bit of the first segment', (stored: Uint8Array) => flip(stored, 1000)],
    ['a bit of a tag', (stored: Uint8Array) => flip(stored, 2 * Z - 1)],
    ['a bit of the last segment', (stored: Uint8Array) => flip(stored, 3 * Z + 5)],
    [
      'two segments swapped',
      (stored: Uint8Array) =>
        concatBytes([
          stored.subarray(0, Z),
          stored.subarray(2 * Z, 3 * Z),
          stored.subarray(Z, 2 * Z),
          stored.subarray(3 * Z),
        ]),
    ],
    [
      'a segment dropped',
      (stored: Uint8Array) => concatBytes([stored.subarray(0, Z), stored.subarray(2 * Z)]),
    ],
    [
      'a segment repeated',
      (stored: Uint8Array) => concatBytes([stored.subarray(0, 2 * Z), stored.subarray(Z)]),
    ],
    ['cut at a border', (stored: Uint8Array) => stored.subarray(0, 2 * Z)],
    ['cut inside a segment', (stored: Uint8Array) => stored.subarray(0, 2 * Z + 100)],
    ['extended', (stored: Uint8Array) => concatBytes([stored, new Uint8Array(100)])],
    ['emptied', () => new Uint8Array()],
  ])('is never released: %s', async (_, alter) => {
    const { bucket, transport, plaintext, stored } = await sealed()
    // Anyone who alters the content also alters the length that the envelope records.
    await forge(transport, alter(stored))
    await expectRefused(bucket, plaintext, 'ERR_CSE_AUTHENTICATION_FAILED')
    const { [V2_HEADERS.unencryptedContentLength]: __, ...headers } = (
      transport.objects.get('a') as { headers: Record<string, string> }
    ).headers
    await transport.plant('a', alter(stored), headers)
    await expectRefused(bucket, plaintext, 'ERR_CSE_AUTHENTICATION_FAILED')
  })

  test('of a range behind a cut is never said to be missing', async () => {
    const { bucket, transport, stored } = await sealed()
    const { [V2_HEADERS.unencryptedContentLength]: _, ...headers } = (
      transport.objects.get('a') as { headers: Record<string, string> }
    ).headers
    await transport.plant('a', stored.slice(0, 2 * Z), headers)
    const range = { start: 2 * Z, end: 2 * Z + 9 }
    await expect(bucket.getBytes('a', { range })).rejects.toEqual(code('ERR_CSE_AUTHENTICATION_FAILED'))
    const reader = await bucket.openObject('a')
    await expect(read(reader.read(range))).rejects.toEqual(code('ERR_CSE_AUTHENTICATION_FAILED'))
    await expect(bucket.openObject('a', { firstRange: range })).rejects.toEqual(
      code('ERR_CSE_AUTHENTICATION_FAILED'),
    )
  })

  test('of another object or version is refused where the commitment is expected', async () => {
    const { bucket, transport, commitment, plaintext } = await sealed()
    const old = transport.objects.get('a')
    expect(
      difference(await bucket.getBytes('a', { expectCommitment: commitment }), plaintext),
    ).toBeUndefined()
    const { commitment: newer } = await bucket.put('a', data.subarray(0, 100))
    await expect(bucket.getBytes('a', { expectCommitment: commitment })).rejects.toEqual(
      code('ERR_CSE_AUTHENTICATION_FAILED'),
    )
    if (old !== undefined) transport.objects.set('a', old)
    await expect(bucket.getBytes('a', { expectCommitment: newer })).rejects.toEqual(
      code('ERR_CSE_AUTHENTICATION_FAILED'),
    )
    const { bucket: ctr } = memoryBucket({ transport })
    await ctr.put('a', data)
    await expect(ctr.getBytes('a', { expectCommitment: newer })).rejects.toEqual(code('ERR_CSE_NOT_SEALED'))
  })

  test('that is declared to be AES-CTR or plain is refused by its headers, before the unwrap', async () => {
    const { bucket, transport, keyring, stored } = await sealed()
    keyring.unwrapped = 0
    await forge(transport, stored, { [V2_HEADERS.cekAlgorithm]: 'AES/CTR/NoPadding' })
    await expectRefused(bucket, new Uint8Array(), 'ERR_CSE_NOT_SEALED')
    await transport.plant('a', data)
    await expectRefused(bucket, new Uint8Array(), 'ERR_CSE_NOT_SEALED')
    expect(keyring.unwrapped).toBe(0)
  })

  test('under accept any, an object that is declared to be AES-CTR is delivered as not sealed', async () => {
    const { transport, reader, stored } = await sealed()
    await forge(transport, stored, {
      [V2_HEADERS.cekAlgorithm]: 'AES/CTR/NoPadding',
      [V2_HEADERS.unencryptedContentLength]: String(stored.length),
    })
    const { body, sealed: isSealed } = await reader({ accept: 'any' }).get('a')
    expect(isSealed).toBe(false)
    expect(difference(await read(body), data)).toBe(0)
  })

  test.each(['aes256_gcm_hkdf_64kb', 'AES256_GCM_HKDF_1MB', ' AES256_GCM_HKDF_64KB'])(
    'the algorithm %j is not that of a sealed object',
    async (name) => {
      const { bucket, transport, stored } = await sealed()
      await forge(transport, stored, { [V2_HEADERS.cekAlgorithm]: name })
      await expect(bucket.getBytes('a')).rejects.toEqual(code('ERR_CSE_UNSUPPORTED_ALGORITHM'))
    },
  )

  test('in one response alone is fetched once more', async () => {
    const { bucket, transport, plaintext } = await sealed()
    let responses = 0
    const altered = (response: GetObjectResponse): GetObjectResponse => ({
      ...response,
      body: (async function* () {
        let offset = 0
        for await (const chunk of response.body) {
          yield offset <= Z && Z < offset + chunk.length ? flip(chunk, Z - offset) : chunk
          offset += chunk.length
        }
      })(),
    })
    transport.alterGet = (response) => (responses++ === 0 ? altered(response) : response)
    expect(difference(await bucket.getBytes('a'), plaintext)).toBeUndefined()
    expect(transport.requests.at(-1)?.headers['range']).toBe(`bytes=${Z}-${2 * Z - 1}`)
  })

  test('of a server that lies about the length, the range or the ETag', async () => {
    const lies: readonly ((headers: Record<string, string>) => Record<string, string>)[] = [
      (headers) => ({
        ...headers,
        'content-range': (headers['content-range'] ?? '').replace(/\d+$/, (n) => String(Number(n) - Z)),
      }),
      (headers) => ({
        ...headers,
        'content-range': (headers['content-range'] ?? '').replace(/\d+$/, (n) => String(Number(n) + Z)),
      }),
      (headers) => ({
        ...headers,
        'content-range': (headers['content-range'] ?? '').replace(
          /(\d+)-(\d+)/,
          (_, a, b) => `${Number(a) + Z}-${Number(b) + Z}`,
        ),
      }),
      ({ 'content-range': _, ...headers }) => headers,
    ]
    for (const lie of lies) {
      const { bucket, transport, plaintext } = await sealed()
      transport.alterGet = (response) => ({
        ...response,
        headers: lie(response.headers as Record<string, string>),
      })
      for (const range of [{ start: 0, end: 9 }, { start: Z, end: Z + 9 }, { suffixLength: 9 }]) {
        const start = 'start' in range ? range.start : plaintext.length - 9
        const got = await releasedBy(bucket.get('a', { range }))
        expect(difference(got.bytes, plaintext.subarray(start, start + got.bytes.length))).toBeUndefined()
      }
    }
  })

  test('emptied by somebody is never said to have no such range', async () => {
    const { bucket, transport } = await sealed()
    await forge(transport, new Uint8Array())
    for (const range of ['0-9', '100-', '-10'])
      await expect(bucket.getBytes('a', { range })).rejects.toEqual(code('ERR_CSE_AUTHENTICATION_FAILED'))
    await expect(bucket.openObject('a', { firstRange: { start: 0, end: 9 } })).rejects.toEqual(
      code('ERR_CSE_AUTHENTICATION_FAILED'),
    )
  })

  test('after an object was opened: a service that then knows no such range has replaced it', async () => {
    const { bucket, transport } = await sealed()
    const reader = await bucket.openObject('a')
    transport.intercept = ({ operation }) => {
      if (operation !== 'get') return
      throw new TransportError('ERR_CSE_RANGE_NOT_SATISFIABLE', 'no', { retryable: false, status: 416 })
    }
    for (const range of [
      { start: 0, end: 9 },
      { start: 0, end: 10 * Z },
    ])
      await expect(read(reader.read(range))).rejects.toEqual(code('ERR_CSE_PRECONDITION_FAILED'))
    await reader.close()
  })

  test('of a later answer that states another length is never said to be missing', async () => {
    const { bucket, transport } = await sealed()
    let responses = 0
    transport.alterGet = (response) => {
      if (responses++ === 0) return { ...response, body: broken(response.body, 100_000, lost) }
      return {
        ...response,
        headers: { ...response.headers, 'content-range': 'bytes 0-9/10', 'content-length': '10' },
      }
    }
    await expect(bucket.getBytes('a')).rejects.toEqual(code('ERR_CSE_INTEGRITY'))
  })

  test.each<[string, Record<string, string>]>([
    ['another wrapped key', { [V2_HEADERS.wrappedCek]: 'AAAA' }],
    ['another format', { [V2_HEADERS.cekAlgorithm]: 'AES/CTR/NoPadding' }],
    ['a length that it did not state before', { [V2_HEADERS.dataSize]: '1' }],
    ['another version', { 'x-oss-version-id': 'later' }],
  ])('of a later answer that states %s is of another object', async (_what, later) => {
    const { bucket, transport } = await sealed()
    const answer = (response: GetObjectResponse, headers: Record<string, string>) => ({
      ...response,
      headers: { 'x-oss-version-id': 'first', ...response.headers, ...headers },
    })
    let responses = 0
    transport.alterGet = (response) =>
      responses++ === 0
        ? { ...answer(response, {}), body: broken(response.body, 100_000, lost) }
        : answer(response, later)
    await expect(bucket.getBytes('a')).rejects.toEqual(code('ERR_CSE_PRECONDITION_FAILED'))
    responses = 0
    const reader = await bucket.openObject('a', { firstRange: { start: 0, end: 9 } })
    await expect(read(reader.read({ start: 2 * Z, end: 2 * Z + 9 }))).rejects.toEqual(
      code('ERR_CSE_PRECONDITION_FAILED'),
    )
    await reader.close()
  })

  test('names the object, and asks for the same state of it', async () => {
    const { bucket, transport, stored } = await sealed()
    await forge(transport, flip(stored, Z + 5))
    transport.requests.length = 0
    await expect(bucket.getBytes('a')).rejects.toMatchObject({
      objectKey: 'a',
      byteRange: { start: Z - 56, end: 2 * Z - 73 },
      message: expect.stringContaining(`${Z - 56}-${2 * Z - 73}`),
    })
    const again = transport.requests.at(-1)
    expect(again?.headers).toMatchObject({ range: `bytes=${Z}-${2 * Z - 1}`, 'if-match': expect.any(String) })
  })

  test('every bit of a small object', async () => {
    const { bucket, transport, stored } = await sealed(data.subarray(0, 9))
    for (let bit = 0; bit < 8 * stored.length; bit++) {
      const forged = stored.slice()
      forged[bit >> 3] = (forged[bit >> 3] as number) ^ (1 << (bit & 7))
      await forge(transport, forged)
      const error = await bucket.getBytes('a').catch((cause: unknown) => cause)
      expect(CseError.isInstance(error) && error.code).toBe('ERR_CSE_AUTHENTICATION_FAILED')
    }
  })
})

test('a copy is refused where its context would be another one', async () => {
  const { bucket, transport } = sealingBucket({ accept: 'sealed', context: (key) => key.split('/')[0] ?? '' })
  await bucket.put('a/1', data)
  await bucket.copy('a/1', 'a/2')
  expect(difference(await bucket.getBytes('a/2'), data)).toBeUndefined()
  await expect(bucket.copy('a/1', 'b/1')).rejects.toEqual(code('ERR_CSE_OPERATION_REFUSED'))
  expect(transport.objects.has('b/1')).toBe(false)
})

test('a range of an object through a URL is not the whole object', async () => {
  const { bucket, transport } = sealingBucket({ accept: 'sealed' })
  await bucket.put('a', pattern(20 * Z))
  let received = 0
  transport.alterGet = (response) => ({
    ...response,
    body: (async function* () {
      for await (const chunk of response.body) {
        received += chunk.length
        yield chunk
      }
    })(),
  })
  const range = { start: 20 * Z - 10, end: 20 * Z - 1 }
  const { body } = await bucket.getByUrl('https://memory/a', { range })
  expect(difference(await read(body), pattern(20 * Z).subarray(range.start))).toBeUndefined()
  expect(received).toBeLessThan(4 * Z)
})

test('an upload in the other format is not resumed, and a put that is too large is not begun', async () => {
  const { bucket, transport, reader } = sealingBucket()
  const plain = reader({ format: 'aes-ctr' })
  const upload = await plain.initiateMultipartUpload('a', { sizeBytes: data.length })
  await expect(bucket.resumeMultipartUpload(upload.toJSON())).rejects.toEqual(
    code('ERR_CSE_INVALID_ARGUMENT'),
  )
  await upload.abort()
  transport.requests.length = 0
  const open = () => chunked(data)
  await expect(bucket.put('a', { sizeBytes: 5 * 1024 ** 3, open })).rejects.toEqual(
    code('ERR_CSE_INVALID_ARGUMENT'),
  )
  expect(transport.requests).toEqual([])
})

test('no key of a sealed object stays: neither after a read nor after one that fails', async () => {
  const { bucket, transport, keyring } = sealingBucket({ accept: 'sealed' })
  await bucket.put('a', data)
  await bucket.getBytes('a')
  await expect(bucket.getBytes('a', { context: 'x' })).rejects.toThrow()
  await expect(bucket.getBytes('a', { expectCommitment: 'x' })).rejects.toThrow()
  const reader = await bucket.openObject('a')
  await reader.close()
  await bucket.get('a').then(({ body }) => body.cancel())
  const firstRange = { start: data.length, end: data.length }
  await expect(bucket.openObject('a', { firstRange })).rejects.toEqual(code('ERR_CSE_RANGE_NOT_SATISFIABLE'))
  expect(keyring.handedOut.length).toBeGreaterThan(5)
  expect(keyring.wiped).toBe(true)
  expect(transport.objects.size).toBe(1)
})

test.each(['any', 'sealed'] as const)(
  'a read that was made before the object was closed still works, accepting %s',
  async (accept) => {
    const { bucket, reader } = sealingBucket()
    await bucket.put('a', data)
    const opened = await reader({ accept }).openObject('a')
    const range = opened.read({ start: Z, end: 2 * Z })
    await opened.close()
    expect(difference(await read(range), data.subarray(Z, 2 * Z + 1))).toBeUndefined()
  },
)

test('a range of 1 KiB of 4 GiB takes one request, for at most two segments', async () => {
  const GIB = 1024 ** 3
  const plan = new SegmentPlan(4 * GIB)
  const keyring = new WatchedKeyring()
  const { envelope } = await keyring.generate({ unencryptedContentLength: plan.sizeBytes }, {}, 'sealed')
  const [contentKey] = keyring.copies
  if (contentKey === undefined) throw new Error('no key')
  const content = (index: number) => pattern(plan.segment(index).plaintextBytes).map((byte) => byte ^ index)
  const ranges: string[] = []
  const transport = new MemoryTransport()
  transport.get = async ({ headers }) => {
    const { range = '' } = headers ?? {}
    ranges.push(range)
    const [, start, end] = (/^bytes=(\d+)-(\d+)$/.exec(range) ?? []).map(Number) as [number, number, number]
    const segments: Uint8Array[] = []
    for (let index = Math.floor(start / Z); index <= Math.floor(end / Z); index++) {
      segments.push(await sealSegmentReference(contentKey, content(index), plan.segment(index)))
    }
    const held = concatBytes(segments).subarray(start % Z, (start % Z) + end - start + 1)
    return {
      status: 206,
      headers: {
        ...encodeEnvelope(envelope),
        etag: '"1"',
        'content-length': String(held.length),
        'content-range': `bytes ${start}-${end}/${plan.storedBytes}`,
      },
      body: chunked(held, 100_000),
    }
  }
  const { bucket } = memoryBucket({ transport, keyring, accept: 'sealed' })
  for (const start of [0, Z - 57, Z - 56, GIB, 3 * GIB + 12_345, plan.segment(40_000).plaintextOffset - 1]) {
    ranges.length = 0
    const bytes = await bucket.getBytes('a', { range: { start, end: start + 1023 } })
    expect([ranges.length, bytes.length]).toEqual([1, 1024])
    const { index, plaintextOffset } = plan.segmentAt(start)
    const both = concatBytes([content(index), content(index + 1)])
    expect(
      difference(bytes, both.subarray(start - plaintextOffset, start - plaintextOffset + 1024)),
    ).toBeUndefined()
    const [, first = 0, last = 0] = (/(\d+)-(\d+)/.exec(ranges[0] ?? '') ?? []).map(Number)
    expect(last - first + 1).toBeLessThanOrEqual(2 * Z)
  }
})
