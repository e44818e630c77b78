import { CryptoBucket } from '@oss-cse/bucket'
import { type ContentFormat, OSS_HEADERS } from '@oss-cse/crypto-core'
import { EXPOSED_HEADERS, V1_HEADERS, V2_HEADERS } from '@oss-cse/crypto-core/internal'
import { createTestProvider } from '@oss-cse/crypto-core/testing'
import { FetchTransport } from '@oss-cse/transport-fetch'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { commands } from 'vitest/browser'

const METADATA = { owner: 'us', year: '2026' }
const plaintext = crypto.getRandomValues(new Uint8Array(65_536))

type CorsRule = Awaited<ReturnType<typeof commands.getCors>>['rules'][number]

let endpoint: string
let transport: FetchTransport
let bucket: CryptoBucket
/** The rule that the command line stored. */
let rule: CorsRule

beforeAll(async () => {
  const { accessKeyId, accessKeySecret, ...address } = await commands.startEmulator({ cors: [] })
  endpoint = address.endpoint
  const credentials = { getCredential: async () => ({ accessKeyId, accessKeySecret }) }
  transport = new FetchTransport({ ...address, credentials })
  bucket = bucketOf('aes-ctr')
})

function bucketOf(format: ContentFormat): CryptoBucket {
  return new CryptoBucket({ transport, provider: createTestProvider(), format, retry: { maxAttempts: 1 } })
}

async function store(stored: CorsRule): Promise<void> {
  await commands.putCors(endpoint, { rules: [stored], responseVary: false })
}

function without(names: readonly string[]): CorsRule {
  return { ...rule, exposeHeaders: rule.exposeHeaders.filter((name) => !names.includes(name)) }
}

/** The error for a page that cannot reach the bucket. Browsers do not tell why. */
const UNREACHED = { code: 'ERR_CSE_NETWORK', message: expect.stringContaining('CORS rule of the bucket') }
/** The error for a page that may not read a header. */
const hidden = (name: string) => ({
  code: 'ERR_CSE_SERVICE',
  retryable: false,
  message: expect.stringMatching(new RegExp(` ${name}\\b.* CORS rule of the bucket must expose`)),
})

describe('under the rule that oss-cse cors --set stores, a page', () => {
  beforeAll(() =>
    commands.setCorsRule(endpoint, ['--origin', location.origin, '--metadata', 'Owner', 'year']),
  )

  test.each(['aes-ctr', 'sealed'] as const)('writes and reads an encrypted object (%s)', async (format) => {
    const own = bucketOf(format)
    await own.put(format, plaintext, { metadata: METADATA })
    const { body, ...read } = await own.get(format)
    await body.cancel()
    const verification = format === 'sealed' ? 'aead' : 'crc64'
    expect(read).toMatchObject({ metadata: METADATA, totalBytes: plaintext.length, verification })
    expect(read.etag).toMatch(/^"/)
    expect(await own.getBytes(format)).toEqual(plaintext)
    expect(await own.getBytes(format, { range: '100-40000' })).toEqual(plaintext.slice(100, 40_001))
    expect(await own.head(format)).toMatchObject({ sizeBytes: plaintext.length, metadata: METADATA })
  })

  test('uploads in parts, lists, and deletes', async () => {
    const bytes = new Uint8Array(300_000).map((_, index) => index)
    await bucket.upload('parts', bytes, { partSizeBytes: 102_400, multipartThresholdBytes: 0 })
    expect((await bucket.head('parts')).etag).toMatch(/-3"$/)
    expect(await bucket.getBytes('parts')).toEqual(bytes)
    const keys: string[] = []
    for await (const entry of bucket.list({ prefix: 'par' }))
      if (entry.type === 'object') keys.push(entry.key)
    expect(keys).toEqual(['parts'])
    await bucket.delete('parts')
    await expect(bucket.head('parts')).rejects.toMatchObject({ code: 'ERR_CSE_NOT_FOUND' })
  })
})

describe('under less than this rule, a page', () => {
  beforeAll(async () => {
    await commands.setCorsRule(endpoint, ['--origin', location.origin])
    ;[rule] = (await commands.getCors(endpoint)).rules as [CorsRule]
    await bucket.put('letter', plaintext)
  })
  beforeEach(() => store(rule))

  test.each([
    OSS_HEADERS.requestId,
    OSS_HEADERS.objectType,
    'content-range',
    ...Object.values(V2_HEADERS),
    ...Object.values(V1_HEADERS),
  ])('that hides %s does not read an object, and learns which header it is', async (name) => {
    await store(without([name]))
    await expect(bucket.getBytes('letter')).rejects.toMatchObject(hidden(name))
    await expect(bucket.getBytes('letter', { range: '1-2' })).rejects.toMatchObject(hidden(name))
  })

  test.each(['etag', OSS_HEADERS.crc64, OSS_HEADERS.requestId])(
    'that hides %s does not take a write for done, and learns which header it is',
    async (name) => {
      await store(without([name]))
      await expect(bucket.put('b', plaintext)).rejects.toMatchObject(hidden(name))
    },
  )

  test('that hides any one header reads the true content, or nothing', async () => {
    for (const name of EXPOSED_HEADERS) {
      await store(without([name]))
      const outcome = await bucket.getBytes('letter').catch((error: { readonly code: string }) => error.code)
      expect([name, outcome === 'ERR_CSE_SERVICE' ? plaintext : outcome]).toEqual([name, plaintext])
    }
  })

  test('that hides the whole envelope does not take an encrypted object for a plain one', async () => {
    const names = [...Object.values(V2_HEADERS), ...Object.values(V1_HEADERS)]
    const trusting = new CryptoBucket({
      transport,
      provider: createTestProvider(),
      onPlainObject: 'passthrough',
    })
    for (const more of [[], ['access-control-expose-headers']]) {
      await store(without([...names, ...more]))
      await expect(trusting.getBytes('letter')).rejects.toMatchObject(hidden(V2_HEADERS.wrappedCek))
    }
  })

  test.each([
    ['the method', { allowedMethods: ['GET'] }],
    ['the request headers', { allowedHeaders: ['range'] }],
    ['the origin', { allowedOrigins: ['https://other.example'] }],
  ])('that does not allow %s cannot write', async (_what, changes) => {
    await store({ ...rule, ...changes, maxAgeSeconds: 0 })
    // A key of its own: a browser keeps the response to the preflight of each URL.
    await expect(bucket.put(`kept from ${_what}`, plaintext)).rejects.toMatchObject(UNREACHED)
  })
})
