import { constants, createDecipheriv, createPrivateKey, privateDecrypt } from 'node:crypto'
import { Readable } from 'node:stream'
import type { OssEmulator } from '@oss-cse/oss-emulator'
import { RsaProvider } from '@oss-cse/provider-rsa'
import { OssTransport } from '@oss-cse/transport-oss'
import OSS from 'ali-oss'
import { describe, expect, test } from 'vitest'
import { bucketOf, keyPair, random, transportOf, withEmulator } from './emulated-bucket.ts'

const code = (value: string) => expect.objectContaining({ code: value })
const PREFIX = 'x-oss-meta-client-side-encryption-'

/** Unwraps with node:crypto alone, by the format's text: an independent reader. */
function unwrapPlainly(wrapped: string | undefined): Buffer {
  const block = privateDecrypt(
    { key: createPrivateKey(keyPair.privateKey), padding: constants.RSA_NO_PADDING },
    Buffer.from(wrapped ?? '', 'base64'),
  )
  return block.subarray(block.indexOf(0, 2) + 1)
}

describe.each(['v1', 'v4'] as const)('with signature %s', (signature) => {
  test.each([
    ['in the path', (emulator: OssEmulator) => transportOf(emulator, { signature, addressing: 'path' })],
    ['nowhere (cname)', (emulator: OssEmulator) => transportOf(emulator, { signature, addressing: 'cname' })],
    // With an IP address as endpoint ali-oss sends the service's host name: demo.oss-cn-hangzhou.aliyuncs.com.
    [
      'in the host',
      (emulator: OssEmulator) => new OssTransport({ client: clientOf(emulator, signature, 'host') }),
    ],
  ])('an object goes up encrypted and comes back, the bucket’s name %s', (_where, connect) =>
    withEmulator(async (emulator) => {
      const bucket = bucketOf(emulator, {}, { transport: connect(emulator) })
      const bytes = random(700_001)
      const result = await bucket.put('dir/ä b.bin', bytes, {
        metadata: { author: 'me' },
        contentType: 'text/x-test',
      })
      expect(result).toMatchObject({ sizeBytes: bytes.length, verification: 'crc64' })
      expect(await bucket.getBytes('dir/ä b.bin')).toEqual(bytes)
      expect(await bucket.getBytes('dir/ä b.bin', { range: '100001-600000' })).toEqual(
        bytes.subarray(100_001, 600_001),
      )
      expect(await bucket.head('dir/ä b.bin')).toMatchObject({
        metadata: { author: 'me' },
        contentType: 'text/x-test',
      })
    }),
  )

  test('what the server holds is ciphertext, and any reader of the format can decrypt it', () =>
    withEmulator(async (emulator) => {
      const bytes = random(100_003)
      await bucketOf(emulator, { signature }).put('a', bytes)
      const stored = await emulator.getStoredObject('demo', 'a')
      expect(stored?.bytes.length).toBe(bytes.length)
      expect(stored?.bytes).not.toEqual(bytes)
      const headers = stored?.headers ?? {}
      expect(
        Object.keys(headers)
          .filter((name) => name.startsWith(PREFIX))
          .sort(),
      ).toEqual(
        ['cek-alg', 'key', 'start', 'unencrypted-content-length', 'wrap-alg'].map((name) => PREFIX + name),
      )
      const cek = unwrapPlainly(headers[`${PREFIX}key`])
      const iv = unwrapPlainly(headers[`${PREFIX}start`])
      expect([cek.length, iv.length, iv.readUInt32BE(8)]).toEqual([32, 16, 0])
      const decipher = createDecipheriv('aes-256-ctr', cek, iv)
      expect(new Uint8Array(decipher.update(stored?.bytes ?? new Uint8Array()))).toEqual(bytes)
    }))

  test('a presigned URL is decrypted locally, whole and by range', () =>
    withEmulator(async (emulator) => {
      const bucket = bucketOf(emulator)
      const bytes = random(300_001)
      await bucket.put('a', bytes, { headers: { 'content-encoding': 'gzip' } })
      const client = clientOf(emulator, signature)
      const url =
        signature === 'v4'
          ? await client.signatureUrlV4('GET', 600, {}, 'a', [])
          : client.signatureUrl('a', { expires: 600 })
      for (const range of [undefined, '7-200000', '250000-', '-5', '299999-999999']) {
        const { body } = await bucket.getByUrl(url, range === undefined ? {} : { range })
        const read = new Uint8Array(await new Response(body).arrayBuffer())
        expect(read).toEqual(await bucket.getBytes('a', range === undefined ? {} : { range }))
      }
      await expect(bucket.getByUrl(url.replace(/.$/, (c) => (c === 'x' ? 'y' : 'x')))).rejects.toEqual(
        code('ERR_CSE_ACCESS_DENIED'),
      )
    }))
})

/** A client as an application without encryption makes it. */
function clientOf(
  emulator: OssEmulator,
  signature: 'v1' | 'v4' = 'v4',
  bucketIn: 'path' | 'host' = 'path',
): OSS {
  const { endpoint, port, accessKeyId, accessKeySecret, region } = emulator
  return new OSS({
    endpoint: bucketIn === 'path' ? endpoint : `http://127.0.0.1:${port}`,
    accessKeyId,
    accessKeySecret,
    region: `oss-${region}`,
    bucket: 'demo',
    authorizationV4: signature === 'v4',
    sldEnable: bucketIn === 'path',
  } as OSS.Options)
}

test('a client that the user made is used as it is', () =>
  withEmulator(async (emulator) => {
    const client = clientOf(emulator)
    const transport = new OssTransport({ client })
    const bucket = bucketOf(emulator, {}, { transport })
    const bytes = random(50_000)
    await bucket.put('a', Readable.from([bytes]))
    expect(await bucket.getBytes('a')).toEqual(bytes)
    const plain = await client.get('a')
    expect(new Uint8Array(plain.content)).not.toEqual(bytes)
  }))

test('sizes around blocks and chunks come back, from bytes and from streams of unknown length', () =>
  withEmulator(async (emulator) => {
    const bucket = bucketOf(emulator)
    for (const size of [0, 1, 15, 16, 17, 32, 33, 262_143, 262_144, 262_145, 1_048_577]) {
      const bytes = random(size)
      await bucket.put('known', bytes)
      expect(await bucket.getBytes('known')).toEqual(bytes)
      await bucket.put('unknown', Readable.from(size === 0 ? [] : [bytes]))
      expect(await bucket.getBytes('unknown')).toEqual(bytes)
    }
  }))

test('every range of small objects is exact over HTTP', () =>
  withEmulator(async (emulator) => {
    const bucket = bucketOf(emulator)
    const bytes = random(50)
    await bucket.put('a', bytes)
    for (const start of [0, 1, 15, 16, 17, 31, 32, 47, 48, 49]) {
      expect(await bucket.getBytes('a', { range: { start } })).toEqual(bytes.subarray(start))
      for (const end of [start, start + 1, start + 16, 49, 50, 1000].filter((value) => value >= start)) {
        expect(await bucket.getBytes('a', { range: { start, end } })).toEqual(bytes.subarray(start, end + 1))
      }
    }
    for (const suffixLength of [1, 15, 16, 17, 35, 49, 50, 51, 66, 1000]) {
      expect(await bucket.getBytes('a', { range: { suffixLength } })).toEqual(bytes.slice(-suffixLength))
    }
    for (const range of ['50-', '50-60', '1000-2000', '63-70']) {
      await expect(bucket.get('a', { range })).rejects.toEqual(code('ERR_CSE_RANGE_NOT_SATISFIABLE'))
    }
  }))

test('one get is one request on the wire', () =>
  withEmulator(async (emulator) => {
    const bucket = bucketOf(emulator)
    await bucket.put('a', random(1000))
    emulator.resetRequests()
    await bucket.getBytes('a')
    await bucket.getBytes('a', { range: '100-200' })
    expect(emulator.requests.map(({ method, path }) => [method, path])).toEqual([
      ['GET', '/demo/a'],
      ['GET', '/demo/a'],
    ])
  }))

test('whatever the service understands passes through and comes back', () =>
  withEmulator(async (emulator) => {
    const bucket = bucketOf(emulator)
    await bucket.put('a', 'x', {
      headers: {
        'cache-control': 'no-cache',
        'content-disposition': 'attachment; filename="x"',
        'x-oss-storage-class': 'IA',
        'x-oss-tagging': 'k=v',
        'x-oss-object-acl': 'private',
      },
    })
    expect((await bucket.head('a')).headers).toMatchObject({
      'cache-control': 'no-cache',
      'content-disposition': 'attachment; filename="x"',
      'x-oss-storage-class': 'IA',
      'x-oss-tagging-count': '1',
    })
    await expect(bucket.put('a', 'y', { headers: { 'x-oss-forbid-overwrite': 'true' } })).rejects.toEqual(
      code('ERR_CSE_PRECONDITION_FAILED'),
    )
    expect(new TextDecoder().decode(await bucket.getBytes('a'))).toBe('x')
  }))

test('a copy on the server is decrypted like its source, also from another bucket', () =>
  withEmulator(
    async (emulator) => {
      const bucket = bucketOf(emulator)
      const other = bucketOf(emulator, { bucket: 'second' })
      const bytes = random(1000)
      await bucket.put('from/ä?b', bytes, { metadata: { m: '1' } })
      await bucket.copy('from/ä?b', 'to')
      await other.copy('from/ä?b', 'to', { sourceBucket: 'demo' })
      for (const reader of [bucket, other]) {
        expect(await reader.getBytes('to')).toEqual(bytes)
        expect((await reader.head('to')).metadata).toEqual({ m: '1' })
      }
    },
    { buckets: ['demo', 'second'] },
  ))

test('a listing names objects and prefixes, and deleteMany removes them', () =>
  withEmulator(async (emulator) => {
    const bucket = bucketOf(emulator)
    const keys = ['l/1', 'l/2 ü&<>', 'l/sub/3']
    for (const key of keys) await bucket.put(key, 'x')
    const seen: string[] = []
    for await (const entry of bucket.list({ prefix: 'l/' })) if (entry.type === 'object') seen.push(entry.key)
    expect(seen).toEqual(keys)
    expect([...(await bucket.deleteMany(keys))].sort()).toEqual([...keys].sort())
    expect(await bucket.exists('l/1')).toBe(false)
  }))

test('a plain object, and one whose envelope was stripped, are rejected; passthrough reads them', () =>
  withEmulator(async (emulator) => {
    const bucket = bucketOf(emulator)
    await clientOf(emulator).put('plain', Buffer.from('in clear'))
    await expect(bucket.get('plain')).rejects.toEqual(code('ERR_CSE_NOT_ENCRYPTED'))
    expect(new TextDecoder().decode(await bucket.getBytes('plain', { onPlainObject: 'passthrough' }))).toBe(
      'in clear',
    )
    await bucket.put('a', 'secret')
    const stored = await emulator.getStoredObject('demo', 'a')
    await emulator.putStoredObject('demo', 'a', { bytes: stored?.bytes ?? new Uint8Array(), headers: {} })
    await expect(bucket.get('a')).rejects.toEqual(code('ERR_CSE_NOT_ENCRYPTED'))
  }))

test('the wrong key, and any altered envelope header, is refused before a byte is released', async () => {
  const { generateRsaKeyPair } = await import('@oss-cse/provider-rsa')
  const stranger = new RsaProvider({ privateKey: (await generateRsaKeyPair({ bits: 2048 })).privateKey })
  await withEmulator(async (emulator) => {
    const bucket = bucketOf(emulator)
    await bucket.put('a', random(100))
    const { CryptoBucket } = await import('@oss-cse/bucket')
    await expect(
      new CryptoBucket({ transport: transportOf(emulator), provider: stranger }).get('a'),
    ).rejects.toEqual(code('ERR_CSE_UNWRAP_FAILED'))
    const stored = await emulator.getStoredObject('demo', 'a')
    if (stored === undefined) throw new Error('nothing is stored')
    for (const name of ['key', 'start']) {
      const value = stored.headers[PREFIX + name] ?? ''
      const altered = `${value.startsWith('A') ? 'B' : 'A'}${value.slice(1)}`
      await emulator.putStoredObject('demo', 'a', {
        bytes: stored.bytes,
        headers: { ...stored.headers, [PREFIX + name]: altered },
      })
      await expect(bucket.get('a')).rejects.toEqual(code('ERR_CSE_UNWRAP_FAILED'))
    }
  })
})

test('errors of the service carry its codes and request id, and no secret', () =>
  withEmulator(async (emulator) => {
    const missing = await bucketOf(emulator)
      .get('none')
      .catch((error: unknown) => error)
    expect(missing).toMatchObject({
      code: 'ERR_CSE_NOT_FOUND',
      status: 404,
      requestId: expect.stringMatching(/^[0-9A-F]{24}$/),
    })
    const wrong = await bucketOf(emulator, { accessKeySecret: 'wrong-secret-value' })
      .put('a', 'x')
      .catch((error: unknown) => error)
    expect(wrong).toMatchObject({
      code: 'ERR_CSE_ACCESS_DENIED',
      status: 403,
      serviceCode: 'SignatureDoesNotMatch',
    })
    const noBucket = await bucketOf(emulator, { bucket: 'nothing-here' })
      .put('a', 'x')
      .catch((error: unknown) => error)
    expect(noBucket).toMatchObject({ code: 'ERR_CSE_NOT_FOUND', serviceCode: 'NoSuchBucket' })
    for (const error of [missing, wrong, noBucket]) {
      const text = `${String(error)} ${JSON.stringify(error)} ${String((error as Error).cause)} ${(error as Error).stack}`
      expect(text).not.toContain(emulator.accessKeySecret)
      expect(text).not.toContain('wrong-secret-value')
    }
  }))

test('what is put while the clock is wrong is refused as skewed', () =>
  withEmulator(
    async (emulator) => {
      const error = await bucketOf(emulator)
        .put('a', 'x')
        .catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: 'ERR_CSE_CLOCK_SKEW', serviceCode: 'RequestTimeTooSkewed' })
    },
    { clock: () => new Date(Date.now() + 3_600_000) },
  ))
