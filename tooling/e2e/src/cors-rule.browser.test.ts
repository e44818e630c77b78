import { CryptoBucket } from '@oss-cse/bucket'
import { type ContentFormat, OSS_HEADERS } from '@oss-cse/crypto-core'
import { EXPOSE_HEADERS, EXPOSED_HEADERS, V1_HEADERS, V2_HEADERS } from '@oss-cse/crypto-core/internal'
import { createTestProvider } from '@oss-cse/crypto-core/testing'
import { FetchTransport } from '@oss-cse/transport-fetch'
import { beforeEach, expect, test } from 'vitest'
import { commands } from 'vitest/browser'

const METADATA = { owner: 'us', year: '2026' }
const plaintext = crypto.getRandomValues(new Uint8Array(65_536))
/** A rule that helps no page here. */
const FOREIGN = {
  allowedOrigins: ['https://other.example'],
  allowedMethods: ['GET'],
  allowedHeaders: [],
  exposeHeaders: [],
}

let endpoint: string
let transport: FetchTransport

beforeEach(async () => {
  const { accessKeyId, accessKeySecret, ...address } = await commands.startEmulator({})
  endpoint = address.endpoint
  const credentials = { getCredential: async () => ({ accessKeyId, accessKeySecret }) }
  transport = new FetchTransport({ ...address, credentials })
  await commands.putCors(endpoint, { rules: [FOREIGN], responseVary: false })
})

function bucketOf(format: ContentFormat): CryptoBucket {
  return new CryptoBucket({ transport, provider: createTestProvider(), format, retry: { maxAttempts: 1 } })
}

/** Lets the command line add the rule for this page. Returns that rule. */
async function setRule(...options: readonly string[]) {
  await commands.setCorsRule(endpoint, ['--origin', location.origin, ...options])
  const { rules } = await commands.getCors(endpoint)
  const [rule, ...others] = rules
  expect(others).toEqual([FOREIGN])
  if (rule === undefined) throw new Error('There is no rule.')
  return rule
}

test.each(['aes-ctr', 'sealed'] as const)(
  'under the rule that oss-cse cors --set stores, a page writes, reads, lists and deletes objects (%s)',
  async (format) => {
    await setRule('--metadata', 'Owner', 'year')
    const bucket = bucketOf(format)
    await bucket.put('a', plaintext, { metadata: METADATA })
    const { body, ...read } = await bucket.get('a')
    await body.cancel()
    const verification = format === 'sealed' ? 'aead' : 'crc64'
    expect(read).toMatchObject({ metadata: METADATA, totalBytes: plaintext.length, verification })
    expect(await bucket.getBytes('a')).toEqual(plaintext)
    expect(await bucket.getBytes('a', { range: '100-40000' })).toEqual(plaintext.slice(100, 40_001))
    const bytes = new Uint8Array(300_000).map((_, index) => index)
    await bucket.upload('b', bytes, { partSizeBytes: 131_072, multipartThresholdBytes: 0 })
    expect(await bucket.getBytes('b')).toEqual(bytes)
    expect((await bucket.head('b')).etag).toMatch(/-3"$/)
    const keys: string[] = []
    for await (const entry of bucket.list()) if (entry.type === 'object') keys.push(entry.key)
    expect(keys).toEqual(['a', 'b'])
    await bucket.delete('a')
    await expect(bucket.head('a')).rejects.toMatchObject({ code: 'ERR_CSE_NOT_FOUND' })
  },
)

/** What a read of an encrypted object cannot do without. */
const NEEDED = [
  'content-encoding',
  'content-range',
  'etag',
  OSS_HEADERS.crc64,
  OSS_HEADERS.objectType,
  OSS_HEADERS.requestId,
  ...Object.values(V2_HEADERS),
  ...Object.values(V1_HEADERS),
]
/** The same where the page does not see what is exposed: what a response has, whatever the object. */
const NEEDED_UNLISTED = [
  'content-range',
  'etag',
  OSS_HEADERS.requestId,
  V2_HEADERS.wrappedCek,
  V2_HEADERS.wrappedIv,
  V2_HEADERS.cekAlgorithm,
  V2_HEADERS.wrapAlgorithm,
]

test.each<[string, readonly string[], readonly string[]]>([
  ['that says what it exposes', [], NEEDED],
  ['that does not say what it exposes', [EXPOSE_HEADERS], NEEDED_UNLISTED],
])(
  'under a rule %s, and with any header less, a page reads with all checks, or learns which header it may not read',
  async (_what, unlisted, needed) => {
    const rule = await setRule()
    const bucket = bucketOf('aes-ctr')
    await bucket.put('a', plaintext)
    for (const hidden of EXPOSED_HEADERS) {
      const exposeHeaders = rule.exposeHeaders.filter((name) => name !== hidden && !unlisted.includes(name))
      await commands.putCors(endpoint, { rules: [{ ...rule, exposeHeaders }], responseVary: false })
      const outcome = await readWhole(bucket).catch((error: unknown) => error)
      if (needed.includes(hidden)) {
        const message = expect.stringMatching(
          new RegExp(` ${hidden}\\b.*CORS rule of the bucket must expose`),
        )
        expect(outcome).toMatchObject({ code: 'ERR_CSE_SERVICE', message })
      } else {
        // Not every object has a checksum. A page that does not see the list cannot tell.
        const verification = hidden === OSS_HEADERS.crc64 ? 'length' : 'crc64'
        expect([hidden, outcome]).toEqual([hidden, { verification, bytes: plaintext }])
      }
    }
  },
)

async function readWhole(bucket: CryptoBucket) {
  const { body, verification } = await bucket.get('a')
  const chunks: Uint8Array<ArrayBuffer>[] = []
  for await (const chunk of body) chunks.push(chunk as Uint8Array<ArrayBuffer>)
  return { verification, bytes: new Uint8Array(await new Blob(chunks).arrayBuffer()) }
}

test.each([
  ['its origin', { allowedOrigins: ['https://other.example'] }],
  ['its request headers', { allowedHeaders: ['range'] }],
])('a page whose rule does not allow %s is told that it can be the CORS rule', async (_what, changes) => {
  const rule = await setRule()
  await commands.putCors(endpoint, { rules: [{ ...rule, ...changes }], responseVary: false })
  await expect(bucketOf('aes-ctr').put('a', plaintext)).rejects.toMatchObject({
    code: 'ERR_CSE_NETWORK',
    message: expect.stringContaining('CORS rule of the bucket'),
  })
})
