import { createCipheriv } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { CryptoBucket, type CryptoBucketOptions } from '@oss-cse/bucket'
import { type ContentKey, Keyring, type MasterKeyProvider } from '@oss-cse/crypto-core'
import { SegmentPlan, V2_HEADERS } from '@oss-cse/crypto-core/internal'
import { OssTransport } from '@oss-cse/transport-oss'
import OSS from 'ali-oss'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { CryptoOSS, CryptoOSSOptions } from '../src/index.ts'
import type { Checkpoint } from '../src/upload-checkpoint.ts'
import { provider, random, rejection, Subject } from './subject.ts'

const Z = 65_536
const MIB = 1024 ** 2
const PART = 2 * Z
const SEALED = 'AES256_GCM_HKDF_64KB'
const code = (value: string) => expect.objectContaining({ code: value })
const failed = { code: 'ERR_CSE_AUTHENTICATION_FAILED' }

let subject: Subject
let sealing: CryptoOSS

beforeEach(async () => {
  subject = await Subject.start('CryptoOSS')
  sealing = subject.newClient({ accept: 'sealed' })
})
afterEach(async () => {
  vi.restoreAllMocks()
  await subject.end()
})

/** The same bucket, for another program. */
function otherProgram(options: Partial<CryptoBucketOptions> = {}): CryptoBucket {
  const { endpoint, region, accessKeyId, accessKeySecret } = subject.emulator
  const transport = new OssTransport({ bucket: 'demo', endpoint, region, accessKeyId, accessKeySecret })
  return new CryptoBucket({ transport, provider, accept: 'sealed', ...options })
}

async function stored(name = 'a') {
  const object = await subject.emulator.getStoredObject('demo', name)
  if (object === undefined) throw new Error(`${name} is not stored.`)
  return object
}

/** Alters one bit of a stored object. */
async function tamper(name: string, position: number): Promise<void> {
  const bytes = Uint8Array.from((await stored(name)).bytes)
  bytes[position] = (bytes[position] as number) ^ 1
  await subject.emulator.putStoredObject('demo', name, { bytes })
}

const kept = (checkpoint: Checkpoint | null | undefined): Checkpoint => JSON.parse(JSON.stringify(checkpoint))

describe('the options of a client', () => {
  const contradictions: [string, Partial<CryptoOSSOptions>, string][] = [
    ['an unknown format', { format: 'ctr' as never }, 'format must be'],
    ['an unknown policy', { accept: 'all' as never }, 'accept must be'],
    ['a context that is no function', { context: 'a' as never }, 'context must be a function'],
    ['other objects than it reads', { accept: 'sealed', format: 'aes-ctr' }, 'could not read what it writes'],
    ['plain objects beside sealed ones', { accept: 'sealed', onPlainObject: 'passthrough' }, 'plain object'],
  ]
  test.each(contradictions)('refuse %s, also before there is a bucket', (_, options, reason) => {
    for (const bucket of ['demo', undefined]) {
      const message = expect.stringMatching(new RegExp(`^CryptoOSS: .*${reason}`))
      expect(() => subject.newClient({ ...options, bucket })).toThrow(
        expect.objectContaining({ code: 'ERR_CSE_INVALID_ARGUMENT', message }),
      )
    }
  })

  test('do not reach ali-oss', () => {
    const { options } = sealing as unknown as { options: object }
    for (const name of ['format', 'accept', 'context']) expect(options).not.toHaveProperty(name)
  })

  test('say what is written: AES-CTR, unless the format or all that is read is sealed', async () => {
    const written: [Partial<CryptoOSSOptions>, string][] = [
      [{}, 'AES/CTR/NoPadding'],
      [{ accept: 'any' }, 'AES/CTR/NoPadding'],
      [{ format: 'aes-ctr', context: (name) => name }, 'AES/CTR/NoPadding'],
      [{ format: 'sealed' }, SEALED],
      [{ accept: 'sealed' }, SEALED],
      [{ keyring: new Keyring({ encrypting: provider }), provider: undefined, format: 'sealed' }, SEALED],
    ]
    for (const [options, algorithm] of written) {
      await subject.newClient(options).put('a', random(10))
      expect((await stored()).headers[V2_HEADERS.cekAlgorithm]).toBe(algorithm)
    }
  })
})

test('a keyring whose key is for sealed objects alone makes a client seal, and read nothing else', async () => {
  await subject.client.put('ctr', random(10))
  const keyring = () => new Keyring({ encrypting: provider, sealedOnly: [provider] })
  const client = subject.newClient({ provider: undefined, keyring: keyring() })
  const { commitment } = await client.put('a', Buffer.of(1))
  expect(commitment).toBeDefined()
  expect((await client.get('a')).content).toEqual(Buffer.of(1))
  expect(await rejection(client.get('ctr'))).toEqual(code('ERR_CSE_NOT_SEALED'))
  expect(await rejection(client.initMultipartUpload('a', { dataSize: 1, partSize: PART }))).toEqual(
    code('ERR_CSE_OPERATION_REFUSED'),
  )
  for (const contradictory of [{ format: 'aes-ctr' }, { onPlainObject: 'passthrough' }] as const) {
    expect(() => subject.newClient({ provider: undefined, keyring: keyring(), ...contradictory })).toThrow(
      code('ERR_CSE_INVALID_ARGUMENT'),
    )
  }
})

test('a client with the format AES-CTR sends what a client without that option sends', async () => {
  const bytes = random(3 * PART + 5)
  await writeFile(subject.path('in'), bytes)
  const keys: ContentKey[] = []
  const watched: MasterKeyProvider = {
    wrapAlgorithm: provider.wrapAlgorithm,
    materialDescription: provider.materialDescription,
    async generateContentKey(iv) {
      const generated = await provider.generateContentKey(iv)
      keys.push({ cek: Uint8Array.from(generated.cek), iv: Uint8Array.from(iv) })
      return generated
    },
    unwrap: (envelope) => provider.unwrap(envelope),
  }
  const calls = async (client: CryptoOSS): Promise<void> => {
    const names: string[] = []
    const written = (name: string) => {
      names.push(name)
      return name
    }
    await client.put(written('bytes'), bytes, { meta: { owner: 'ops' } })
    await client.put(written('file'), subject.path('in'))
    await client.putStream(written('stream'), Readable.from([bytes]))
    await client.putStream(written('announced'), Readable.from([bytes]), { contentLength: bytes.length })
    await client.multipartUpload(written('parts'), bytes, { partSize: 102_400, parallel: 1 })
    const dataSize = bytes.length
    const { uploadId } = await client.initMultipartUpload(written('steps'), { dataSize, partSize: PART })
    const parts: { number: number; etag: string }[] = []
    for (let number = 1; number <= 4; number++) {
      const [start, end] = [(number - 1) * PART, Math.min(number * PART, dataSize)]
      const { etag } = await client.uploadPart('steps', uploadId, number, bytes, start, end)
      parts.push({ number, etag })
    }
    await client.completeMultipartUpload('steps', uploadId, parts)
    await client.copy('copy', 'bytes')
    await client.get('bytes')
    await client.get('bytes', { headers: { Range: 'bytes=70000-70009' } })
    await client.get('bytes', subject.path('out'))
    await buffer((await client.getStream('parts')).stream)
    await client.head('bytes')
    for (const [index, name] of names.entries()) {
      const { cek, iv } = keys[index] as ContentKey
      const ctr = createCipheriv('aes-256-ctr', cek, iv)
      expect(Buffer.compare(ctr.update(bytes), (await stored(name)).bytes)).toBe(0)
    }
  }
  /** The requests, without what differs each time: times, signatures, wrapped keys, and ETags of ciphertext. */
  const sent = async (options: Partial<CryptoOSSOptions>) => {
    keys.length = 0
    const before = subject.emulator.requests.length
    await calls(subject.newClient({ ...options, provider: watched }))
    const fresh =
      /^(date|x-oss-date|authorization|content-md5|x-oss-meta-client-side-encryption-(key|start))$/
    return subject.emulator.requests.slice(before).map(({ method, path, query, headers }) => ({
      method,
      path,
      query: query.replace(/uploadId=[^&]*/, ''),
      headers: Object.fromEntries(
        Object.entries(headers).map(([name, value]) => [name, fresh.test(name) ? value?.length : value]),
      ),
    }))
  }
  const withOption = await sent({ format: 'aes-ctr', accept: 'any', context: () => 'x' })
  expect(withOption.length).toBeGreaterThan(20)
  expect(withOption).toEqual(await sent({}))
})

describe('put and putStream', () => {
  const SIZES = [0, 1, Z - 57, Z - 56, Z - 55, 2 * Z - 72, 200_000]

  test.each(SIZES)('seal %i bytes: a file, bytes and a stream of known or unknown length', async (size) => {
    const bytes = random(size)
    await writeFile(subject.path('in'), bytes)
    const puts = [
      () => sealing.put('a', subject.path('in')),
      () => sealing.put('a', bytes),
      () => sealing.put('a', new Blob([Uint8Array.from(bytes)])),
      () => sealing.putStream('a', Readable.from([bytes.subarray(0, 7), bytes.subarray(7)])),
      () => sealing.putStream('a', Readable.from([bytes]), { contentLength: size }),
    ]
    for (const put of puts) {
      const { name, url, res, commitment } = await put()
      expect({ name, url, status: res.status }).toEqual({
        name: 'a',
        url: `${subject.emulator.endpoint}/demo/a`,
        status: 200,
      })
      expect((await stored()).bytes).toHaveLength(new SegmentPlan(size).storedBytes)
      const read = await otherProgram().getBytes('a', { expectCommitment: commitment })
      expect(Buffer.compare(read, bytes)).toBe(0)
    }
  })

  test('of a stream that is shorter or longer than its length store nothing', async () => {
    for (const contentLength of [9, 11, 100_000]) {
      const put = sealing.putStream('a', Readable.from([random(10)]), { contentLength })
      expect(await rejection(put)).toEqual(code('ERR_CSE_SOURCE'))
    }
    expect(await rejection(sealing.head('a'))).toMatchObject({ code: 'NoSuchKey' })
  })

  test('keep metadata and headers, and return neither envelope nor checksum of the ciphertext', async () => {
    const headers = { 'Cache-Control': 'no-store' }
    const { res } = await sealing.put('a', random(10), { meta: { owner: 'ops' }, mime: 'text/x', headers })
    const head = await sealing.head('a')
    expect({ meta: head.meta, sealed: head.sealed, ...head.res.headers }).toMatchObject({
      meta: { owner: 'ops' },
      sealed: true,
      'content-type': 'text/x',
      'cache-control': 'no-store',
      'content-length': '10',
    })
    for (const names of [res.headers, head.res.headers].map(Object.keys)) {
      expect(names.filter((name) => /client-side-encryption|content-md5/.test(name))).toEqual([])
    }
  })
})

describe('multipartUpload', () => {
  test.each([
    [undefined, MIB],
    [102_400, PART],
    [PART, PART],
    [PART + 1, 3 * Z],
    [MIB + 16, MIB + Z],
  ])(
    'rounds a part size of %s up to %i stored bytes, and counts the parts by it',
    async (given, partSize) => {
      // With the stored length, there is one part more than by the length of the plaintext.
      const bytes = random(2 * partSize)
      const fractions: number[] = []
      const sizes = new Set<number>()
      const result = await sealing.multipartUpload('a', bytes, {
        partSize: given,
        parallel: 1,
        progress(fraction, checkpoint) {
          if (fractions.at(-1) !== fraction) fractions.push(fraction)
          if (checkpoint) sizes.add(checkpoint.partSize)
        },
      })
      expect(fractions).toEqual([0, 0.25, 0.5, 0.75, 1])
      expect([...sizes]).toEqual([partSize])
      const { headers, bytes: all } = await stored()
      expect(headers).toMatchObject({
        [V2_HEADERS.cekAlgorithm]: SEALED,
        [V2_HEADERS.partSize]: String(partSize),
        [V2_HEADERS.dataSize]: String(all.length),
        [V2_HEADERS.unencryptedContentLength]: String(bytes.length),
      })
      const sent = subject.emulator.requests.filter(({ query }) => /partNumber=/.test(query))
      expect(sent.map((request) => Number(request.headers['content-length']))).toEqual([
        partSize,
        partSize,
        all.length - 2 * partSize,
      ])
      expect(result).toMatchObject({ bucket: 'demo', name: 'a', etag: result.res.headers['etag'] })
      const { commitment } = result
      const read = await otherProgram().getBytes('a', { expectCommitment: commitment })
      expect(Buffer.compare(read, bytes)).toBe(0)
    },
  )

  test('seals a file and a Buffer of any size, small ones in one request', async () => {
    for (const size of [0, 1, 102_399, 102_400, PART - 72, 2 * PART - 104, 2 * PART - 103, 5 * PART + 9]) {
      const bytes = random(size)
      await writeFile(subject.path('in'), bytes)
      for (const source of [subject.path('in'), bytes]) {
        const before = subject.requests.length
        const { commitment } = await sealing.multipartUpload('a', source, { partSize: PART, parallel: 3 })
        const inParts = subject.requests.slice(before).some((request) => request.includes('partNumber'))
        expect({ size, inParts }).toEqual({ size, inParts: size >= 102_400 })
        const { content } = await sealing.get('a', { expectCommitment: commitment })
        expect(Buffer.compare(content, bytes)).toBe(0)
      }
    }
  })

  test('enlarges the parts of a file whose stored bytes need more than 10,000 of them', async () => {
    await writeFile(subject.path('in'), '')
    await truncate(subject.path('in'), 10_000 * PART)
    const sizes: (number | undefined)[] = []
    const upload = sealing.multipartUpload('a', subject.path('in'), {
      partSize: PART,
      progress(_, checkpoint) {
        sizes.push(checkpoint?.partSize)
        throw new Error('enough')
      },
    })
    expect(await rejection(upload)).toMatchObject({ message: expect.stringContaining('enough') })
    expect(sizes[0]).toBe(3 * Z)
  })

  test('refuses a part size below 100 KiB before any request', async () => {
    for (const partSize of [17, 102_399, PART + 0.5]) {
      const upload = sealing.multipartUpload('a', random(3 * PART), { partSize })
      expect(await rejection(upload)).toEqual(code('ERR_CSE_INVALID_ARGUMENT'))
    }
    expect(subject.requests).toEqual([])
  })

  /** Runs an upload that fails permanently at part 3, and returns its last checkpoint. */
  async function interrupted(client: CryptoOSS, file: string | Buffer, options = {}): Promise<Checkpoint> {
    subject.emulator.injectFault({ kind: 'status-500', method: 'PUT', partNumber: 3, count: 100 })
    let last: Checkpoint | undefined
    const upload = client.multipartUpload('a', file, {
      partSize: PART,
      parallel: 1,
      progress(_, checkpoint) {
        if (checkpoint) last = kept(checkpoint)
      },
      ...options,
    })
    expect(await rejection(upload)).toMatchObject({ status: 500, partNum: 3 })
    subject.emulator.clearFaults()
    if (last === undefined) throw new Error('There was no checkpoint.')
    return last
  }

  /** Resumes, and returns how many parts were sent and whether the upload restarted. */
  async function resumed(client: CryptoOSS, file: string | Buffer, options: object) {
    const before = subject.requests.length
    const result = await client.multipartUpload('a', file, { parallel: 1, ...options })
    const sent = subject.requests.slice(before)
    expect((await client.listUploads({})).uploads).toEqual([])
    return {
      result,
      parts: sent.filter((request) => request.includes('partNumber=')).length,
      restarted: sent.some((request) => request.endsWith('?uploads=') || request.endsWith('?uploads')),
    }
  }

  test.each(['a file', 'a Buffer'])(
    'resumes from its checkpoint with what is missing of %s',
    async (kind) => {
      const bytes = random(4 * PART)
      await writeFile(subject.path('in'), bytes)
      const source = kind === 'a file' ? subject.path('in') : bytes
      const context = 'reports/ü'
      const checkpoint = await interrupted(sealing, source, { context })
      expect(checkpoint.doneParts.map(({ number }) => number)).toEqual([1, 2])
      const fractions: number[] = []
      const again = { checkpoint, context, progress: (fraction: number) => fractions.push(fraction) }
      const client = subject.newClient({ accept: 'sealed' })
      const { result, parts, restarted } = await resumed(client, source, again)
      expect({ parts, restarted }).toEqual({ parts: 3, restarted: false })
      expect([...new Set(fractions)]).toEqual([2 / 6, 3 / 6, 4 / 6, 5 / 6, 1])
      const { commitment } = result
      const { content } = await client.get('a', { context, expectCommitment: commitment })
      expect(Buffer.compare(content, bytes)).toBe(0)
    },
  )

  const bytes = random(4 * PART)
  const changes: readonly [string, Partial<CryptoOSSOptions>, object, Partial<CryptoOSSOptions>, object][] = [
    ['the format AES-CTR', { format: 'sealed' }, {}, { format: 'aes-ctr' }, {}],
    ['the format sealed', { format: 'aes-ctr' }, {}, { format: 'sealed' }, {}],
    ['another context of the call', { format: 'sealed' }, { context: 'x' }, { format: 'sealed' }, {}],
    [
      'another context of the client',
      { format: 'sealed', context: (name) => name },
      {},
      { format: 'sealed', context: (name) => `${name}/` },
      {},
    ],
  ]
  test.each(changes)('restarts under a new key with %s', async (_, first, begun, second, then) => {
    const checkpoint = await interrupted(subject.newClient(first), bytes, begun)
    const client = subject.newClient(second)
    const { parts, restarted } = await resumed(client, bytes, { checkpoint, partSize: PART, ...then })
    expect(restarted).toBe(true)
    expect(parts).toBeGreaterThanOrEqual(4)
    const { content } = await client.get('a', then)
    expect(Buffer.compare(content, bytes)).toBe(0)
  })

  test('restarts under a new key when the length of the object is another one', async () => {
    for (const size of [bytes.length - 1, bytes.length + 1]) {
      const checkpoint = await interrupted(sealing, bytes)
      const changed = Buffer.concat([bytes, Buffer.of(1)]).subarray(0, size)
      const { restarted } = await resumed(sealing, changed, { checkpoint })
      expect(restarted).toBe(true)
      expect(Buffer.compare((await sealing.get('a')).content, changed)).toBe(0)
    }
  })

  test('tells the checkpoint of each part before a byte of it leaves, and no tag', async () => {
    let known = new Set<string>()
    let text = ''
    await sealing.multipartUpload('a', bytes, {
      partSize: PART,
      parallel: 3,
      async progress(_, checkpoint) {
        for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
        const seen = subject.emulator.requests.map(({ query }) => /partNumber=(\d+)/.exec(query)?.[1])
        expect(seen.filter((number) => number !== undefined && !known.has(number))).toEqual([])
        if (!checkpoint) return
        text = JSON.stringify(checkpoint)
        const record = checkpoint.encryption?.record as {
          upload: { version: number; partDigests: Record<string, string> }
        }
        expect(record.upload.version).toBe(3)
        known = new Set(Object.keys(record.upload.partDigests))
      },
    })
    expect(known).toEqual(new Set(['1', '2', '3', '4', '5']))
    const { bytes: all } = await stored()
    for (let end = Z; end <= all.length; end += Z) {
      const tag = Buffer.from(all.subarray(end - 16, end))
      for (const encoding of ['hex', 'base64', 'base64url'] as const)
        expect(text).not.toContain(tag.toString(encoding).replace(/=+$/, ''))
    }
  })
})

test('parts that the caller has cut are refused before any request, with what to do instead', async () => {
  for (const client of [sealing, subject.newClient({ format: 'sealed' })]) {
    const calls: [string, () => Promise<unknown>][] = [
      ['initMultipartUpload', () => client.initMultipartUpload('a', { dataSize: 1, partSize: PART })],
      ['initMultipartUpload', () => client.initMultipartUpload('a')],
      ['uploadPart', () => client.uploadPart('a', 'id', 1, random(10), 0, 10)],
      [
        'completeMultipartUpload',
        () => client.completeMultipartUpload('a', 'id', [{ number: 1, etag: '"E"' }]),
      ],
      ['uploadPartCopy', () => client.uploadPartCopy()],
      ['multipartUploadCopy', () => client.multipartUploadCopy()],
      ['append', () => client.append()],
    ]
    for (const [name, call] of calls) {
      const error = await rejection(call())
      expect(error).toMatchObject({
        code: 'ERR_CSE_OPERATION_REFUSED',
        message: expect.stringContaining(name),
      })
      if (/^(init|uploadPart$|complete)/.test(name))
        expect(error['message']).toMatch(/`multipartUpload`.*`CryptoBucket`/)
    }
  }
  expect(subject.requests).toEqual([])
})

describe('what is read', () => {
  test.each(['any', 'sealed'] as const)(
    'is the plaintext, with its lengths and whether it is sealed, accepting %s',
    async (accept) => {
      const client = subject.newClient({ accept })
      const bytes = random(200_000)
      const { commitment } = await otherProgram().put('a', bytes)
      const whole = await client.get('a')
      expect(Buffer.compare(whole.content, bytes)).toBe(0)
      expect(whole).toMatchObject({
        sealed: true,
        commitment,
        res: { status: 200, size: 200_000, headers: { 'content-length': '200000' } },
      })
      for (const [range, start, end] of [
        ['bytes=100000-100009', 100_000, 100_009],
        ['bytes=199990-300000', 199_990, 199_999],
        ['bytes=65479-65481', 65_479, 65_481],
        ['bytes=-5', 199_995, 199_999],
      ] as const) {
        const part = await client.get('a', { headers: { Range: range } })
        expect(part.content).toEqual(bytes.subarray(start, end + 1))
        expect(part.res).toMatchObject({
          status: 206,
          headers: {
            'content-range': `bytes ${start}-${end}/200000`,
            'content-length': String(end - start + 1),
          },
        })
      }
      for (const range of ['bytes=200000-', 'bytes=200039-200050'])
        expect(await rejection(client.get('a', { headers: { Range: range } }))).toMatchObject({
          code: 'InvalidRange',
          status: 416,
        })
      const file = await client.get('a', subject.path('file'))
      expect(file).toMatchObject({ sealed: true, commitment })
      expect(Buffer.compare(await readFile(subject.path('file')), bytes)).toBe(0)
      await client.get('a', subject.path('file'), { headers: { Range: 'bytes=70000-70003' } })
      expect(await readFile(subject.path('file'))).toEqual(bytes.subarray(70_000, 70_004))
      const { stream, ...streamed } = await client.getStream('a')
      expect(streamed).toMatchObject({ sealed: true, commitment })
      expect(stream.headers['content-length']).toBe('200000')
      expect(Buffer.compare(await buffer(stream), bytes)).toBe(0)
    },
  )

  test('of other objects says that they are not sealed', async () => {
    await subject.client.put('a', random(10))
    await new OSS((subject.client as never as { options: OSS.Options }).options).put('plain', random(10))
    const ctr = await subject.client.get('a')
    const plain = await subject.client.get('plain', { onPlainObject: 'passthrough' })
    for (const result of [ctr, plain, await subject.client.head('a'), await subject.client.head('plain')]) {
      expect(result.sealed).toBe(false)
      expect(result).not.toHaveProperty('commitment')
    }
    const { etag = '' } = ctr.res.headers
    const unmodified = await subject.client.get('a', { headers: { 'If-None-Match': etag } })
    expect(unmodified.res.status).toBe(304)
    expect(unmodified).not.toHaveProperty('sealed')
  })

  /** All calls that read an object, each with options. */
  const reads: readonly [string, (client: CryptoOSS, options: object) => Promise<unknown>][] = [
    ['get', (client, options) => client.get('a', options)],
    ['get into a file', (client, options) => client.get('a', subject.path('out'), options)],
    ['getStream', async (client, options) => buffer((await client.getStream('a', options)).stream)],
    ['getByUrl', (client, options) => client.getByUrl(client.signatureUrl('a'), options)],
    [
      'getByUrl into a file',
      (client, options) => client.getByUrl(client.signatureUrl('a'), subject.path('out'), options),
    ],
    [
      'getStreamByUrl',
      async (client, options) =>
        buffer((await client.getStreamByUrl(client.signatureUrl('a'), options)).stream),
    ],
  ]

  test.each(reads)('by %s is refused unless it is sealed, where that is asked for', async (_, read) => {
    await subject.client.put('a', random(200))
    const notSealed = code('ERR_CSE_NOT_SEALED')
    expect(await rejection(read(sealing, {}))).toEqual(notSealed)
    expect(await rejection(read(sealing, { onPlainObject: 'passthrough' }))).toEqual(
      code('ERR_CSE_INVALID_ARGUMENT'),
    )
    expect(await rejection(read(subject.client, { expectCommitment: 'x' }))).toEqual(notSealed)
    expect(existsSync(subject.path('out'))).toBe(false)
    await read(subject.client, {})
  })

  test.each(reads)('by %s has the expected commitment and context, or is refused', async (_, read) => {
    const client = subject.newClient({ accept: 'sealed', context: (name) => `of ${name}` })
    const old = await client.put('a', random(200))
    const { commitment } = await client.put('a', random(200))
    await read(client, { expectCommitment: commitment })
    await read(subject.client, { expectCommitment: commitment, context: 'of a' })
    for (const options of [
      { expectCommitment: old.commitment },
      { context: 'of b' },
      { context: '' },
      { expectCommitment: commitment, context: 'of b' },
    ])
      expect(await rejection(read(client, options))).toMatchObject(failed)
    expect(await rejection(read(subject.client, {}))).toMatchObject(failed)
    expect(await rejection(read(client, { context: 'x'.repeat(1025) }))).toEqual(
      code('ERR_CSE_INVALID_ARGUMENT'),
    )
  })

  test.each(reads)('by %s is refused when a bit was altered, and the error says where', async (_, read) => {
    await sealing.put('a', random(3 * Z))
    const plan = new SegmentPlan(3 * Z)
    for (const position of [0, 39, 40, 2 * Z, 3 * Z + 40]) {
      await tamper('a', position)
      const { plaintextOffset: start, plaintextBytes } = plan.segment(Math.floor(position / Z))
      const byteRange = { start, end: start + plaintextBytes - 1 }
      for (const client of [sealing, subject.client])
        expect(await rejection(read(client, {}))).toMatchObject({ ...failed, byteRange })
      await tamper('a', position)
    }
    await read(sealing, {})
    expect((await readdir(subject.directory)).filter((name) => name !== 'out')).toEqual([])
  })

  test('in a stream, what came before the altered segment is genuine, and then the stream errors', async () => {
    const bytes = random(5 * Z)
    await sealing.put('a', bytes)
    await tamper('a', 4 * Z)
    const { stream } = await sealing.getStream('a')
    const chunks: Buffer[] = []
    const error = await rejection(
      (async () => {
        for await (const chunk of stream) chunks.push(chunk as Buffer)
      })(),
    )
    expect(error).toMatchObject(failed)
    const released = Buffer.concat(chunks)
    expect(released.equals(bytes.subarray(0, released.length))).toBe(true)
    expect(released.length).toBeLessThan(4 * Z)
  })
})

describe('the context', () => {
  test('of a client is that of the name as it is stored, and a call can give another one', async () => {
    const names: string[] = []
    const context = (name: string) => {
      names.push(name)
      return name
    }
    const client = subject.newClient({ format: 'sealed', context })
    await client.put('/dir/ü 1', Buffer.of(1))
    await client.putStream('b', Readable.from([Buffer.of(2)]), { context: 'other' })
    await client.multipartUpload('c', random(3 * PART), { partSize: PART, context: 'other' })
    expect([...new Set(names)]).toEqual(['dir/ü 1'])
    expect((await client.get('dir/ü 1')).content).toEqual(Buffer.of(1))
    expect((await client.getByUrl(client.signatureUrl('/dir/ü 1'))).content).toEqual(Buffer.of(1))
    for (const name of ['b', 'c']) {
      expect(await rejection(client.get(name))).toMatchObject(failed)
      await client.get(name, { context: 'other' })
    }
    expect(Buffer.compare(await otherProgram().getBytes('b', { context: 'other' }), Buffer.of(2))).toBe(0)
  })

  test('of an upload that is not sealed is refused before any request', async () => {
    const { client } = subject
    const context = 'x'
    const uploads: (() => Promise<unknown>)[] = [
      () => client.put('a', random(10), { context }),
      () => client.putStream('a', Readable.from([random(10)]), { context }),
      () => client.multipartUpload('a', random(10), { context }),
      () => client.multipartUpload('a', random(3 * PART), { partSize: PART, context }),
      () => client.initMultipartUpload('a', { dataSize: 9, partSize: PART, context } as never),
    ]
    for (const upload of uploads) {
      const error = await rejection(upload())
      expect(error).toEqual(code('ERR_CSE_INVALID_ARGUMENT'))
      expect(String(error)).toMatch(/context is for sealed objects.*format: 'sealed'/)
      expect(String(error)).not.toContain('CryptoBucket')
    }
    for (const invalid of ['x'.repeat(1025), '\ud800', 7 as never])
      expect(await rejection(sealing.put('a', random(10), { context: invalid }))).toEqual(
        code('ERR_CSE_INVALID_ARGUMENT'),
      )
    expect(subject.requests).toEqual([])
  })

  test('refuses a copy to a name with another one', async () => {
    const client = subject.newClient({ accept: 'sealed', context: (name) => name.split('/')[0] ?? '' })
    await client.put('dir/ü a', Buffer.of(1))
    client.useBucket('other-bucket')
    await client.put('dir/b', Buffer.of(2))
    client.useBucket('demo')
    const before = subject.requests.length
    for (const copy of [
      () => client.copy('c', 'dir/ü a'),
      () => client.copy('/c', 'dir/ü a', {}),
      () => client.copy('demo/c', '/demo/dir/ü a'),
      () => client.copy('c', '/dir/b', 'other-bucket'),
    ]) {
      const error = await rejection(copy())
      expect(error).toEqual(code('ERR_CSE_OPERATION_REFUSED'))
      expect(error['message']).toContain('another context')
    }
    expect(subject.requests).toHaveLength(before)
    await client.copy('dir/c', 'dir/ü a')
    await client.copy('/dir/d', '/demo/dir/ü a')
    await client.copy('dir/e', '/dir/b', 'other-bucket')
    expect((await client.get('dir/c')).content).toEqual(Buffer.of(1))
    expect((await client.get('dir/d')).content).toEqual(Buffer.of(1))
    expect((await client.get('dir/e')).content).toEqual(Buffer.of(2))
  })

  test('of a symbolic link is that of the link', async () => {
    const client = subject.newClient({ accept: 'sealed', context: (name) => name })
    await client.put('a', Buffer.of(1))
    await client.putSymlink('link', 'a')
    expect(await rejection(client.get('link'))).toMatchObject(failed)
    expect((await client.get('link', { context: 'a' })).content).toEqual(Buffer.of(1))
  })
})

describe('head and getObjectMeta', () => {
  test('state the length of the plaintext of any object', async () => {
    const options = (subject.client as never as { options: OSS.Options }).options
    for (const size of [0, 1, Z - 56, Z - 55, 200_000]) {
      await sealing.put('sealed', random(size))
      await sealing.multipartUpload('parts', random(102_400 + size))
      await subject.client.put('ctr', random(size))
      await new OSS(options).put('plain', random(size))
      for (const client of [subject.client, sealing]) {
        for (const [name, length] of [
          ['sealed', size],
          ['parts', 102_400 + size],
          ['ctr', size],
          ['plain', size],
        ] as const) {
          for (const { res } of [await client.head(name), await client.getObjectMeta(name)])
            expect([name, res.headers['content-length']]).toEqual([name, String(length)])
        }
      }
    }
    const { objects } = await sealing.list(null, {})
    expect(objects.at(-1)).toMatchObject({ name: 'sealed', size: new SegmentPlan(200_000).storedBytes })
  })

  test('send one request each, and getObjectMeta returns what ali-oss returns for objects under AES-CTR', async () => {
    await subject.client.put('a', random(10), { meta: { owner: 'ops' } })
    await sealing.put('sealed', random(10))
    const before = subject.requests.length
    const { status, res } = await subject.client.getObjectMeta('a')
    const { res: sealed } = await subject.client.getObjectMeta('sealed')
    await subject.client.head('sealed')
    expect(subject.requests.slice(before)).toEqual(['HEAD /demo/a', 'HEAD /demo/sealed', 'HEAD /demo/sealed'])
    const meta = OSS.prototype as unknown as Pick<CryptoOSS, 'getObjectMeta'>
    const asAliOss = await meta.getObjectMeta.call(subject.client, 'a', {})
    expect(status).toBe(asAliOss.status)
    const own = /^(date|x-oss-request-id|x-oss-server-time)$/
    for (const [name, value] of Object.entries(asAliOss.res.headers))
      if (!own.test(name)) expect([name, res.headers[name]]).toEqual([name, value])
    for (const names of [res.headers, sealed.headers].map(Object.keys))
      expect(names.filter((name) => /client-side-encryption|content-md5/.test(name))).toEqual([])
  })

  test('getObjectMeta describes a link itself, and fails as in ali-oss', async () => {
    await sealing.put('a', random(10))
    await sealing.putSymlink('link', 'a')
    const meta = OSS.prototype as unknown as Pick<CryptoOSS, 'getObjectMeta'>
    for (const [name, options] of [
      ['link', {}],
      ['none', {}],
      ['a', { headers: { 'If-None-Match': (await sealing.head('a')).res.headers['etag'] } }],
    ] as const) {
      const outcome = async (call: Promise<{ status: number; res: { headers: object } }>) => {
        const result = await call.catch((error: { name: string; status: number; code: string }) => error)
        if (!('res' in result)) return [result.name, result.status, result.code]
        const own = /^(date|x-oss-request-id|x-oss-server-time)$/
        return [result.status, Object.entries(result.res.headers).filter(([header]) => !own.test(header))]
      }
      expect(await outcome(sealing.getObjectMeta(name, options))).toEqual(
        await outcome(meta.getObjectMeta.call(sealing, name, options)),
      )
    }
  })

  test('a stored length that no sealed object has is refused, with the name', async () => {
    await sealing.put('a', random(10))
    const { bytes } = await stored()
    await subject.emulator.putStoredObject('demo', 'a', { bytes: bytes.subarray(0, 55) })
    for (const call of [() => sealing.head('a'), () => sealing.getObjectMeta('a')])
      expect(await rejection(call())).toMatchObject({ ...failed, objectKey: 'a' })
  })

  test('getObjectMeta asks for no compressed content, whose length would be missing', async () => {
    const text = Buffer.alloc(5000, 'text ')
    await sealing.put('a.txt', text)
    const { res } = await sealing.getObjectMeta('a.txt', { headers: { 'Accept-Encoding': 'gzip' } })
    expect(res.headers['content-length']).toBe('5000')
    expect(subject.emulator.requests.at(-1)?.headers).not.toHaveProperty('accept-encoding')
  })
})

describe.runIf(availableParallelism() > 1)('files that workers transfer', () => {
  const bytes = random(17 * MIB + 5)
  const workers = (): CryptoOSS =>
    subject.newClient({ accept: 'sealed', fileWorkers: 2, retryMax: 0, retry: undefined })

  test('come back from one put and from parts, and only with the right commitment', async () => {
    const client = workers()
    await writeFile(subject.path('in'), bytes)
    const put = await client.put('put', subject.path('in'))
    const parts = await client.multipartUpload('parts', subject.path('in'), { partSize: 5 * MIB })
    const sides = vi.spyOn(OssTransport.prototype, 'workerSide')
    for (const [name, { commitment }] of Object.entries({ put, parts })) {
      for (const parallel of [undefined, 1]) {
        const read = { expectCommitment: commitment, parallel }
        const result = await client.get(name, subject.path('out'), read)
        expect(result).toMatchObject({
          sealed: true,
          commitment,
          res: { headers: { 'content-length': String(bytes.length) } },
        })
        expect(Buffer.compare(await readFile(subject.path('out')), bytes)).toBe(0)
      }
      const other = client.get(name, subject.path('other'), { expectCommitment: `${commitment}x` })
      expect(await rejection(other)).toMatchObject(failed)
    }
    expect(sides).toHaveBeenCalled()
    expect((await readdir(subject.directory)).sort()).toEqual(['in', 'out'])
  })

  test('are refused when a bit of any part was altered, and the old file stays', async () => {
    const client = workers()
    await client.put('a', bytes)
    await writeFile(subject.path('out'), 'old')
    for (const position of [5, 16 * MIB + Z, new SegmentPlan(bytes.length).storedBytes - 1]) {
      await tamper('a', position)
      for (const parallel of [undefined, 1])
        expect(await rejection(client.get('a', subject.path('out'), { parallel }))).toMatchObject(failed)
      await tamper('a', position)
    }
    expect(await readFile(subject.path('out'), 'utf8')).toBe('old')
    expect(await readdir(subject.directory)).toEqual(['out'])
  })

  test('fail as in ali-oss if the connection breaks', async () => {
    const client = workers()
    await client.put('a', bytes)
    const { workerSide } = OssTransport.prototype
    vi.spyOn(OssTransport.prototype, 'workerSide').mockImplementation(function (this: OssTransport, request) {
      subject.emulator.injectFault({ kind: 'truncate-response', method: 'GET', afterBytes: 1000 })
      return workerSide.call(this, request)
    })
    const error = await rejection(client.get('a', subject.path('out')))
    expect(error).toMatchObject({ name: 'ResponseError', status: -1 })
    expect(existsSync(subject.path('out'))).toBe(false)
  })

  test('resume in parts from a checkpoint', async () => {
    const client = workers()
    await writeFile(subject.path('in'), bytes)
    let checkpoint: Checkpoint | undefined
    subject.emulator.injectFault({ kind: 'status-500', method: 'PUT', partNumber: 3, count: 9 })
    const upload = client.multipartUpload('a', subject.path('in'), {
      partSize: 5 * MIB,
      parallel: 1,
      progress(_, given) {
        if (given) checkpoint = kept(given)
      },
    })
    expect(await rejection(upload)).toMatchObject({ status: 500, partNum: 3 })
    subject.emulator.clearFaults()
    const before = subject.requests.length
    await client.multipartUpload('a', subject.path('in'), { checkpoint })
    const sent = subject.requests.slice(before).filter((request) => request.includes('partNumber='))
    expect(sent).toHaveLength(2)
    await client.get('a', subject.path('out'))
    expect(Buffer.compare(await readFile(subject.path('out')), bytes)).toBe(0)
  })
})

test('a wrapped key that does not unwrap shows in no commitment of two reads', async () => {
  await sealing.put('a', random(100))
  const object = await subject.emulator.getStoredObject('demo', 'a')
  if (object === undefined) throw new Error('not stored')
  const name = 'x-oss-meta-client-side-encryption-key'
  const wrapped = Buffer.from(object.headers[name] ?? '', 'base64')
  wrapped[100] = (wrapped[100] ?? 0) ^ 1
  const headers = { ...object.headers, [name]: wrapped.toString('base64') }
  await subject.emulator.putStoredObject('demo', 'a', { bytes: object.bytes, headers })
  const seen: unknown[] = []
  for (let read = 0; read < 2; read++) {
    const { stream, commitment } = await sealing.getStream('a')
    seen.push(commitment)
    await expect(stream.toArray()).rejects.toMatchObject({ code: 'ERR_CSE_AUTHENTICATION_FAILED' })
  }
  expect(seen[0]).toMatch(/^[\w-]{43}$/)
  expect(seen[1]).toBe(seen[0])
})
