import { CryptoBucket } from '@oss-cse/bucket'
import {
  decodeEnvelope,
  type GetObjectResponse,
  type HeaderMap,
  Keyring,
  OSS_HEADERS,
  TransportError,
} from '@oss-cse/crypto-core'
import { createTestProvider, type MemoryTransport } from '@oss-cse/crypto-core/testing'
import { describe, expect, test } from 'vitest'
import { allRows, NEW, OLD, outcomes, RewriteSite, WHOLE } from '../test/rewrite-site.ts'
import { formatRow, parseRow } from './report/report-row.ts'
import { rotateObject, rotateShard } from './rotate-object.ts'

const code = (value: string) => expect.objectContaining({ code: value })

/** The operations that change a bucket. */
const WRITES = /^(put|initiate|uploadPart|complete|abort|delete|deleteMany|copy)$/

describe('a rotated object', () => {
  test('has the same ciphertext, and the new key alone reads it', async () => {
    const site = new RewriteSite()
    await site.app.put('k', 'text')
    const before = site.transport.objects.get('k')
    const row = await rotateObject('k', site.options())
    expect(row).toMatchObject({ key: 'k', outcome: 'rotated', versionId: before?.versionId, sizeBytes: 4 })
    expect(site.transport.objects.get('k')?.bytes).toEqual(before?.bytes)
    expect(await site.read('k', site.reader)).toBe('text')
    expect(parseRow(formatRow(row))).toEqual(row)
  })

  test('keeps content headers, metadata, ACL, tags, storage class and encryption by the service', async () => {
    const site = new RewriteSite()
    const headers = {
      'cache-control': 'no-cache',
      'content-disposition': 'attachment',
      'content-encoding': 'x',
      'content-language': 'de',
      expires: 'Thu, 01 Jan 2026 00:00:00 GMT',
      [OSS_HEADERS.objectAcl]: 'public-read',
      [OSS_HEADERS.tagging]: 'old&project=a%20b',
      [OSS_HEADERS.storageClass]: 'IA',
    }
    await site.app.put('k', 'text', { contentType: 'text/x', metadata: { mine: 'yes' }, headers })
    const before = site.transport.objects.get('k')
    await rotateObject('k', site.options())
    const after = site.transport.objects.get('k')
    const user = (all = {}) =>
      Object.entries(all)
        .filter(([name]) => !name.includes('client-side-encryption'))
        .sort()
    expect(after?.versionId).not.toBe(before?.versionId)
    expect(user(after?.headers)).toEqual(user(before?.headers))
    expect(after).toMatchObject({ acl: 'public-read', tags: before?.tags })
  })

  test('records its date only on request', async () => {
    const site = new RewriteSite()
    await site.app.put('a', 'text')
    await site.app.put('b', 'text')
    await rotateObject('a', site.options())
    await rotateObject('b', { ...site.options(), keepLastModified: true })
    expect((await site.app.head('a')).metadata).toEqual({})
    expect((await site.app.head('b')).metadata).toEqual({
      'oss-cse-original-last-modified': '1970-01-01T00:00:00.000Z',
    })
  })

  test('takes the requests that the README names', async () => {
    const site = new RewriteSite()
    await site.app.put('k', 'text')
    site.transport.requests.length = 0
    await allRows(rotateShard(WHOLE, site.options()))
    const operations = site.transport.requests
      .filter(({ key }) => key === 'k')
      .map(({ operation }) => operation)
    const written = ['head', 'getObjectAcl', 'getObjectTags', 'get', 'put']
    expect(operations).toEqual([...written, 'listVersions', 'head', 'getObjectAcl', 'getObjectTags'])
  })

  test('keeps tags whose number a HEAD does not tell', async () => {
    const site = new RewriteSite()
    await site.app.put('k', 'text', { headers: { [OSS_HEADERS.tagging]: 'a=b' } })
    withoutHeader(site.transport, OSS_HEADERS.taggingCount)
    expect(await rotateObject('k', site.options())).toMatchObject({ outcome: 'rotated' })
    expect(site.transport.objects.get('k')?.tags).toEqual([{ key: 'a', value: 'b' }])
  })

  test('is not written if its tags cannot be read', async () => {
    const site = new RewriteSite()
    await site.app.put('k', 'text')
    const before = site.transport.objects.get('k')
    site.transport.intercept = ({ operation }) => {
      if (operation === 'getObjectTags') throw denied()
    }
    expect(await rotateObject('k', site.options())).toMatchObject({
      outcome: 'failed',
      code: 'ERR_CSE_ACCESS_DENIED',
    })
    expect(site.transport.objects.get('k')).toBe(before)
  })

  test('that is rotated twice keeps the first date', async () => {
    const site = new RewriteSite()
    const name = OSS_HEADERS.originalLastModified.slice('x-oss-meta-'.length)
    const metadata = { [name]: '2020-01-01T00:00:00.000Z' }
    await site.app.put('k', 'text', { metadata })
    await rotateObject('k', { ...site.options(), keepLastModified: true })
    expect((await site.app.head('k')).metadata).toEqual(metadata)
  })

  test('is not written again', async () => {
    const site = new RewriteSite()
    await site.app.put('k', 'text')
    await rotateObject('k', site.options())
    site.transport.requests.length = 0
    expect(await rotateObject('k', site.options())).toMatchObject({ outcome: 'already' })
    expect(site.transport.requests.filter(({ operation }) => WRITES.test(operation))).toEqual([])
  })

  test('names the headers that it could not keep', async () => {
    const site = new RewriteSite()
    await site.app.put('k', 'text')
    const object = site.transport.objects.get('k')
    if (object)
      site.transport.objects.set('k', { ...object, headers: { ...object.headers, 'x-strange': '1' } })
    expect(await rotateObject('k', site.options())).toMatchObject({
      outcome: 'rotated',
      notCarried: ['x-strange'],
    })
  })

  test('of several parts is one request, and keeps the length that its envelope records', async () => {
    const site = new RewriteSite()
    const bytes = new Uint8Array(250_000).fill(7)
    const upload = await site.app.initiateMultipartUpload('k', {
      sizeBytes: bytes.length,
      partSizeBytes: 102_400,
    })
    for (let n = 1; n <= upload.plan.partCount; n += 1) {
      const { offsetBytes, sizeBytes } = upload.plan.part(n)
      await upload.uploadPart(n, bytes.subarray(offsetBytes, offsetBytes + sizeBytes))
    }
    await upload.completeMultipartUpload()
    expect(await rotateObject('k', site.options())).toMatchObject({ outcome: 'rotated' })
    expect(await site.reader.getBytes('k')).toEqual(bytes)
    const envelope = decodeEnvelope(site.transport.objects.get('k')?.headers ?? {})
    expect(envelope).toMatchObject({ unencryptedContentLength: bytes.length })
    expect(envelope).not.toHaveProperty('partSizeBytes')
  })
})

describe('a sealed object', () => {
  const sealing = (site: RewriteSite, context?: (key: string) => string) =>
    new CryptoBucket({ transport: site.transport, provider: OLD, format: 'sealed', context })

  test('keeps its commitment, and is read under its context', async () => {
    const site = new RewriteSite()
    const context = (key: string) => `context of ${key}`
    const bytes = new Uint8Array(200_000).fill(9)
    const { commitment } = await sealing(site, context).put('k', bytes)
    expect(await rotateObject('k', { ...site.options(), context })).toMatchObject({ outcome: 'rotated' })
    const read = new CryptoBucket({ transport: site.transport, provider: NEW, context, accept: 'sealed' })
    expect(await read.getBytes('k', { expectCommitment: commitment })).toEqual(bytes)
  })

  test.each([0, 1, 2, 3])(
    'that was altered in segment %i is not written, although its checksum is right',
    async (segment) => {
      const site = new RewriteSite()
      await sealing(site).put('k', new Uint8Array(200_000).fill(9))
      const object = site.transport.objects.get('k')
      const bytes = Uint8Array.from(object?.bytes ?? [])
      const at = segment * 65_536 + 60
      bytes[at] = (bytes[at] ?? 0) ^ 1
      await site.transport.plant('k', bytes, object?.headers)
      const planted = site.transport.objects.get('k')
      expect(await rotateObject('k', site.options())).toMatchObject({
        outcome: 'altered',
        code: 'ERR_CSE_AUTHENTICATION_FAILED',
      })
      expect(site.transport.objects.get('k')).toEqual(planted)
    },
  )

  test('whose connection breaks is read once more as a whole', async () => {
    const site = new RewriteSite()
    const bytes = new Uint8Array(200_000).fill(9)
    await sealing(site).put('k', bytes)
    let gets = 0
    site.transport.alterGet = (response: GetObjectResponse) => {
      gets += 1
      return gets === 1 ? { ...response, body: cutAt(response.body, 70_000) } : response
    }
    expect(await rotateObject('k', site.options())).toMatchObject({ outcome: 'rotated' })
    expect(await site.reader.getBytes('k')).toEqual(bytes)
  })

  test('that was altered on its way is read once more', async () => {
    const site = new RewriteSite()
    const bytes = new Uint8Array(200_000).fill(9)
    await sealing(site).put('k', bytes)
    let gets = 0
    site.transport.alterGet = (response: GetObjectResponse) => {
      gets += 1
      return gets === 1 ? { ...response, body: flippedAt(response.body, 70_000) } : response
    }
    expect(await rotateObject('k', site.options())).toMatchObject({ outcome: 'rotated' })
    expect(await site.reader.getBytes('k')).toEqual(bytes)
  })
})

async function* cutAt(body: AsyncIterable<Uint8Array>, at: number): AsyncGenerator<Uint8Array> {
  let left = at
  for await (const chunk of body) {
    yield chunk.subarray(0, left)
    left -= chunk.length
    if (left <= 0) throw new Error('socket hang up')
  }
}

async function* flippedAt(body: AsyncIterable<Uint8Array>, at: number): AsyncGenerator<Uint8Array> {
  let offset = 0
  for await (const chunk of body) {
    const index = at - offset
    if (index >= 0 && index < chunk.length) chunk[index] = (chunk[index] ?? 0) ^ 1
    offset += chunk.length
    yield chunk
  }
}

describe('with a new content key', () => {
  test('the ciphertext is another one, and the format stays', async () => {
    const site = new RewriteSite()
    await site.app.put('ctr', 'text')
    const old = new CryptoBucket({ transport: site.transport, provider: OLD, format: 'sealed' })
    await old.put('sealed', 'text')
    const before = ['ctr', 'sealed'].map((key) => site.transport.objects.get(key)?.crc64)
    const rows = await allRows(rotateShard(WHOLE, { ...site.options(), newContentKey: true }))
    expect(outcomes(rows)).toEqual({ ctr: 'rotated', sealed: 'rotated' })
    expect(['ctr', 'sealed'].map((key) => site.transport.objects.get(key)?.crc64)).not.toEqual(before)
    expect((await site.reader.head('ctr')).sealed).toBe(false)
    expect((await site.reader.head('sealed')).sealed).toBe(true)
    expect(await site.read('ctr', site.reader)).toBe('text')
    expect(await site.read('sealed', site.reader)).toBe('text')
  })

  test('format: sealed also seals what is under the new key already', async () => {
    const site = new RewriteSite()
    await site.app.put('a', 'text')
    await new CryptoBucket({ transport: site.transport, provider: NEW }).put('b', 'text')
    const options = { ...site.options(), newContentKey: true, format: 'sealed' as const }
    expect(outcomes(await allRows(rotateShard(WHOLE, options)))).toEqual({ a: 'rotated', b: 'rotated' })
    expect(
      outcomes(await allRows(rotateShard(WHOLE, { ...options, intents: new RewriteSite().intents }))),
    ).toEqual({
      a: 'already',
      b: 'already',
    })
    const sealed = new CryptoBucket({ transport: site.transport, provider: NEW, accept: 'sealed' })
    expect([await site.read('a', sealed), await site.read('b', sealed)]).toEqual(['text', 'text'])
  })
})

describe('what is not written', () => {
  test('plain, damaged, altered, linked, archived, retained and appendable objects', async () => {
    const site = new RewriteSite()
    await site.putPlain('plain', 'text')
    for (const key of ['damaged', 'short', 'archived', 'retained', 'appendable', 'link'])
      await site.app.put(key, 'text')
    const change = (key: string, headers: Record<string, string | undefined>, bytes?: Uint8Array) => {
      const object = site.transport.objects.get(key)
      if (object === undefined) throw new Error(key)
      const all = Object.entries({ ...object.headers, ...headers }).flatMap(([name, value]) =>
        value === undefined ? [] : [[name, value]],
      )
      site.transport.objects.set(key, {
        ...object,
        ...(bytes && { bytes }),
        headers: Object.fromEntries(all),
      })
    }
    change('damaged', { 'x-oss-meta-client-side-encryption-start': undefined })
    change('short', {}, new Uint8Array(3))
    change('archived', { [OSS_HEADERS.storageClass]: 'Archive' })
    change('retained', { [OSS_HEADERS.retentionMode]: 'COMPLIANCE' })
    change('appendable', { [OSS_HEADERS.objectType]: 'Appendable' })
    change('link', { [OSS_HEADERS.objectType]: 'Symlink' })
    site.transport.requests.length = 0
    const rows = await allRows(rotateShard(WHOLE, site.options()))
    expect(outcomes(rows)).toEqual({
      plain: 'plain',
      damaged: 'damaged',
      short: 'altered',
      archived: 'needs-restore',
      retained: 'retained',
      appendable: 'appendable',
      link: 'link',
    })
    expect(site.transport.requests.filter(({ operation }) => WRITES.test(operation))).toEqual([])
  })

  test('an object whose bytes do not match the checksum of the service', async () => {
    const site = new RewriteSite()
    await site.app.put('k', 'text')
    const object = site.transport.objects.get('k')
    if (object) site.transport.objects.set('k', { ...object, bytes: new Uint8Array(4) })
    const planted = site.transport.objects.get('k')
    expect(await rotateObject('k', site.options())).toMatchObject({
      outcome: 'altered',
      code: 'ERR_CSE_INTEGRITY',
    })
    expect(site.transport.objects.get('k')).toBe(planted)
  })

  test('an object whose metadata would be too large with the new envelope', async () => {
    const site = new RewriteSite()
    await site.app.put('k', 'text', { metadata: { big: 'x'.repeat(7600) } })
    const keyring = new Keyring({
      encrypting: createTestProvider({ seed: 2, materialDescription: { key: 'n'.repeat(600) } }),
      decrypting: [OLD],
    })
    const row = await rotateObject('k', { ...site.options(), keyring })
    expect(row).toMatchObject({ outcome: 'failed', code: 'ERR_CSE_METADATA_TOO_LARGE' })
    expect(site.transport.requests.filter(({ operation }) => operation === 'put')).toHaveLength(1)
  })

  test('anything in a dry run, or beyond the limit', async () => {
    const site = new RewriteSite()
    for (const key of ['a', 'b', 'c']) await site.app.put(key, key)
    site.transport.requests.length = 0
    const dry = await allRows(rotateShard(WHOLE, { ...site.options(), dryRun: true }))
    expect(outcomes(dry)).toEqual({ a: 'would-rotate', b: 'would-rotate', c: 'would-rotate' })
    expect(site.transport.requests.filter(({ operation }) => WRITES.test(operation))).toEqual([])
    const limited = await allRows(rotateShard(WHOLE, { ...site.options(), limit: 2, parallel: 1 }))
    expect(outcomes(limited)).toEqual({ a: 'rotated', b: 'rotated', c: 'would-rotate' })
  })
})

describe('refused before anything is written', () => {
  const target = { seed: 2, materialDescription: { key: 'new' } }
  test.each([
    [
      'a target without a description',
      { encrypting: createTestProvider({ seed: 2 }) },
      'ERR_CSE_INVALID_ARGUMENT',
    ],
    [
      'a description that another key has too',
      {
        encrypting: createTestProvider(target),
        decrypting: [createTestProvider({ ...target, seed: 3, wrapAlgorithm: 'TEST/OTHER' })],
      },
      'ERR_CSE_INVALID_ARGUMENT',
    ],
    [
      'a target that cannot wrap',
      { encrypting: { ...NEW, wrap: undefined }, decrypting: [OLD] },
      'ERR_CSE_OPERATION_REFUSED',
    ],
  ])('%s', async (_what, keys, expected) => {
    const site = new RewriteSite()
    await site.app.put('k', 'text')
    const keyring = new Keyring(keys as ConstructorParameters<typeof Keyring>[0])
    await expect(allRows(rotateShard(WHOLE, { ...site.options(), keyring }))).rejects.toEqual(code(expected))
  })

  test.each(['Suspended', 'Unversioned'] as const)('a bucket whose versioning is %s', async (versioning) => {
    const site = new RewriteSite(versioning)
    await expect(allRows(rotateShard(WHOLE, site.options()))).rejects.toEqual(
      code('ERR_CSE_OPERATION_REFUSED'),
    )
  })

  test('a format without a new content key, and an unknown placement', async () => {
    const site = new RewriteSite()
    await expect(rotateObject('k', { ...site.options(), format: 'sealed' })).rejects.toEqual(
      code('ERR_CSE_INVALID_ARGUMENT'),
    )
    const placement = { mode: 'unversioned', writersArePaused: false } as never
    await expect(rotateObject('k', { ...site.options(), placement })).rejects.toEqual(
      code('ERR_CSE_INVALID_ARGUMENT'),
    )
  })

  test('a target that does not read what it wraps', async () => {
    const site = new RewriteSite()
    await site.app.put('k', 'text')
    const other = createTestProvider({ ...target, seed: 5 })
    const encrypting = { ...NEW, wrap: other.wrap }
    const keyring = new Keyring({ encrypting: encrypting as typeof NEW, decrypting: [OLD] })
    site.transport.requests.length = 0
    await expect(allRows(rotateShard(WHOLE, { ...site.options(), keyring }))).rejects.toEqual(
      code('ERR_CSE_INVALID_KEY'),
    )
    expect(site.transport.requests.filter(({ operation }) => WRITES.test(operation))).toEqual([])
  })
})

describe('the versions of a key', () => {
  test.each([
    ['ACL', { acl: 'private' as const }],
    [
      'tags',
      {
        tags: [
          { key: 'b', value: '' },
          { key: 'a', value: '1' },
        ],
      },
    ],
  ])('a change of the %s while the object is rotated is kept', async (_what, change) => {
    const site = new RewriteSite()
    await site.app.put('k', 'text')
    const { transport } = site
    let changed = false
    transport.intercept = ({ operation }) => {
      const object = transport.objects.get('k')
      if (operation !== 'put' || changed || object === undefined) return
      changed = true
      transport.objects.set('k', { ...object, ...change })
    }
    expect(await rotateObject('k', site.options())).toMatchObject({ outcome: 'rotated', races: 1 })
    const { acl, tags = [] } = transport.objects.get('k') ?? {}
    const byKey = [...tags].sort((a, b) => (a.key < b.key ? -1 : 1))
    const { tags: wanted = [] } = { ...change } as { tags?: typeof tags }
    expect(byKey).toEqual([...wanted].sort((a, b) => (a.key < b.key ? -1 : 1)))
    expect(acl).toBe('acl' in change ? change.acl : 'default')
  })

  test('so is one whose check has to be repeated', async () => {
    const site = new RewriteSite()
    await site.app.put('k', 'text')
    const { transport } = site
    let reads = 0
    transport.intercept = ({ operation }) => {
      const object = transport.objects.get('k')
      if (operation === 'put' && reads === 1 && object !== undefined)
        transport.objects.set('k', { ...object, acl: 'private' })
      if (operation !== 'getObjectAcl') return
      reads += 1
      if (reads === 2) throw new TransportError('ERR_CSE_NETWORK', 'Broken.', { retryable: true })
    }
    expect(await rotateObject('k', site.options())).toMatchObject({ outcome: 'rotated', races: 1 })
    expect(transport.objects.get('k')?.acl).toBe('private')
  })

  test('so is one of an object from before the bucket kept versions', async () => {
    const site = new RewriteSite('Unversioned')
    await site.app.put('k', 'text')
    const { transport } = site
    transport.versioning = 'Enabled'
    withoutHeader(transport, OSS_HEADERS.versionId, 'null')
    let changed = false
    transport.intercept = ({ operation }) => {
      const object = transport.objects.get('k')
      if (operation !== 'put' || changed || object === undefined) return
      changed = true
      transport.objects.set('k', { ...object, acl: 'private' })
    }
    expect(await rotateObject('k', site.options())).toMatchObject({ outcome: 'rotated', races: 1 })
    expect(transport.objects.get('k')?.acl).toBe('private')
  })

  test.each([false, true])(
    'content that the service stored otherwise is removed again (new content key: %s)',
    async (newContentKey) => {
      const site = new RewriteSite()
      await site.app.put('k', 'text')
      const before = site.transport.objects.get('k')
      const { transport } = site
      const put = transport.put.bind(transport)
      transport.put = async (request) => {
        const response = await put(request)
        const object = transport.objects.get('k')
        if (object) transport.objects.set('k', { ...object, bytes: new Uint8Array(4), crc64: 1n })
        return { ...response, headers: { ...response.headers, [OSS_HEADERS.crc64]: '1' } }
      }
      const row = await rotateObject('k', { ...site.options(), newContentKey })
      expect(row).toMatchObject({ outcome: 'failed', code: 'ERR_CSE_INTEGRITY' })
      expect(row).not.toHaveProperty('unsettled')
      expect(transport.objects.get('k')).toEqual(before)
    },
  )

  test('an object from before the bucket kept versions is rotated too', async () => {
    const site = new RewriteSite('Unversioned')
    await site.app.put('k', 'text')
    site.transport.versioning = 'Enabled'
    expect(await rotateObject('k', site.options())).toMatchObject({ outcome: 'rotated', versionId: 'null' })
    expect(await site.read('k', site.reader)).toBe('text')
  })

  test('if the bucket stops keeping versions, the run stops', async () => {
    const site = new RewriteSite()
    await site.app.put('k', 'text')
    site.transport.intercept = ({ operation }) => {
      if (operation === 'put') site.transport.versioning = 'Suspended'
    }
    await expect(allRows(rotateShard(WHOLE, site.options()))).rejects.toEqual(
      code('ERR_CSE_OPERATION_REFUSED'),
    )
    expect(await site.read('k')).toBe('text')
  })

  test.each(['overwrites', 'deletes'])(
    'where versions must not be deleted, what a user %s is put on top again',
    async (what) => {
      const site = new RewriteSite()
      await site.app.put('k', 'text', { headers: { [OSS_HEADERS.objectAcl]: 'private' } })
      const { transport } = site
      let raced = false
      transport.intercept = async ({ operation, versionId }) => {
        if (operation === 'delete' && versionId !== undefined) throw denied()
        if (operation !== 'put' || raced) return
        raced = true
        if (what === 'deletes') await site.app.delete('k')
        else await site.app.put('k', 'newer', { headers: { [OSS_HEADERS.objectAcl]: 'public-read' } })
      }
      const rows = await allRows(rotateShard(WHOLE, site.options()))
      expect(outcomes(rows)).toEqual({ k: what === 'deletes' ? 'gone' : 'rotated' })
      expect(await site.read('k')).toBe(what === 'deletes' ? undefined : 'newer')
      if (what === 'overwrites') expect(transport.objects.get('k')?.acl).toBe('public-read')
    },
  )

  test('and what a user writes just before a delete is repeated is not hidden by that', async () => {
    const site = new RewriteSite()
    await site.app.put('k', 'text')
    const acts = [() => site.app.delete('k'), () => site.app.put('k', 'newest')]
    let acting = false
    site.transport.intercept = async ({ operation, versionId }) => {
      if (acting) return
      if (operation === 'delete' && versionId !== undefined) throw denied()
      if (operation !== (acts.length === 2 ? 'put' : 'delete')) return
      acting = true
      await acts.shift()?.()
      acting = false
    }
    expect(outcomes(await allRows(rotateShard(WHOLE, site.options())))).toEqual({ k: 'rotated' })
    expect(acts).toEqual([])
    expect(await site.read('k', site.reader)).toBe('newest')
  })

  test('a key that is written again and again fails in the end, and hides nothing', async () => {
    const site = new RewriteSite()
    await site.app.put('k', '0')
    let writes = 0
    site.transport.intercept = async ({ operation, headers }) => {
      const byWorker = operation === 'put' && JSON.stringify(headers).includes('new')
      if (!byWorker) return
      writes += 1
      await site.app.put('k', String(writes))
    }
    expect(await rotateObject('k', site.options())).toMatchObject({
      outcome: 'failed',
      code: 'ERR_CSE_SOURCE_CHANGED',
      races: 6,
    })
    expect(await site.read('k')).toBe('6')
  })

  test('however often somebody else wrote meanwhile, the newest content is on top', async () => {
    const site = new RewriteSite()
    await site.app.put('k', 'text')
    await site.app.put('k2', 'another key with the same prefix')
    let raced = false
    site.transport.intercept = async ({ operation }) => {
      if (operation !== 'put' || raced) return
      raced = true
      for (let i = 0; i < 25; i += 1) await site.app.put('k', `newer ${i}`)
    }
    expect(await rotateObject('k', site.options())).toMatchObject({ outcome: 'rotated', races: 1 })
    expect(await site.read('k', site.reader)).toBe('newer 24')
  })

  test.each([false, true])(
    'an archived object that was restored is done, also if a response was lost (after its effect: %s)',
    async (effect) => {
      const site = new RewriteSite()
      await site.app.put('k', 'text')
      const { transport } = site
      const object = transport.objects.get('k')
      const archived = {
        [OSS_HEADERS.storageClass]: 'Archive',
        [OSS_HEADERS.restore]: 'ongoing-request="false", expiry-date="Sun, 16 Apr 2028 08:12:33 GMT"',
      }
      if (object) transport.objects.set('k', { ...object, headers: { ...object.headers, ...archived } })
      const put = transport.put.bind(transport)
      let lost = false
      transport.put = async (request) => {
        const response = lost || effect ? await put(request) : undefined
        if (response !== undefined && lost) return response
        lost = true
        throw new TransportError('ERR_CSE_NETWORK', 'The connection broke.', { retryable: true })
      }
      const options = { ...site.options(), newContentKey: true }
      expect(outcomes(await allRows(rotateShard(WHOLE, options)))).toEqual({ k: 'rotated' })
      expect(transport.objects.get('k')?.headers[OSS_HEADERS.storageClass]).toBe('Archive')
      expect(outcomes(await allRows(rotateShard(WHOLE, options)))).toEqual({ k: 'already' })
    },
  )

  test('throttling does not use up the attempts on an object', async () => {
    const site = new RewriteSite()
    await site.app.put('k', 'text')
    let throttled = 0
    site.transport.intercept = ({ operation }) => {
      if (operation !== 'put' || throttled === 20) return
      throttled += 1
      throw new TransportError('ERR_CSE_THROTTLED', 'Slow down.', { status: 503, retryable: true })
    }
    expect(await rotateObject('k', site.options())).toMatchObject({ outcome: 'rotated' })
  })

  test('where a race could not be repaired, the row says so, and a retry in the same run repairs it', async () => {
    const site = new RewriteSite()
    await site.app.put('k', 'text')
    let broken = true
    let raced = false
    site.transport.intercept = async ({ operation }) => {
      if (operation === 'listVersions' && broken)
        throw new TransportError('ERR_CSE_SERVICE', 'No.', { retryable: false })
      if (operation !== 'put' || raced) return
      raced = true
      await site.app.put('k', 'newer')
    }
    const [row] = await allRows(rotateShard(WHOLE, site.options()))
    expect(row).toMatchObject({ outcome: 'failed', unsettled: true })
    expect(await site.intents.readIntents('0000000000')).toHaveLength(1)
    broken = false
    expect(outcomes(await allRows(rotateShard(WHOLE, site.options())))).toEqual({ k: 'rotated' })
    expect(await site.read('k', site.reader)).toBe('newer')
    expect(await site.intents.readIntents('0000000000')).toEqual([])
  })

  test('what a killed worker hid is shown again, also if the key was deleted and restored', async () => {
    const site = new RewriteSite()
    await site.app.put('k', 'text')
    let dead = false
    site.transport.intercept = async ({ operation, headers }) => {
      if (dead) throw new TransportError('ERR_CSE_NETWORK', 'dead', { retryable: false })
      if (operation !== 'put' || !JSON.stringify(headers).includes('new')) return
      await site.app.put('k', 'newer')
      dead = true
    }
    await allRows(rotateShard(WHOLE, site.options())).catch(() => {})
    site.transport.intercept = undefined
    expect(await site.read('k')).toBe('text')
    await site.app.delete('k')
    const { versions } = await site.transport.listVersions({ prefix: 'k' })
    expect(await allRows(rotateShard(WHOLE, site.options()))).toEqual([])
    await site.app.delete('k', { versionId: versions[0]?.versionId })
    expect(await site.read('k')).toBe('newer')
  })

  test('what a user wrote in place of a source that they removed for good is not hidden', async () => {
    const site = new RewriteSite()
    await site.app.put('k', 'text')
    const { transport } = site
    const versionId = transport.objects.get('k')?.versionId
    let newer: string | undefined
    transport.intercept = async ({ operation }) => {
      if (operation !== 'put' || newer !== undefined) return
      newer = ''
      await site.app.put('k', 'newer')
      newer = transport.objects.get('k')?.versionId
      await site.app.delete('k', { versionId })
    }
    const listVersions = transport.listVersions.bind(transport)
    transport.listVersions = async (request) => {
      const { versions, ...page } = await listVersions(request)
      const dated = versions.map((version) =>
        version.versionId === newer ? { ...version, lastModified: new Date(1000) } : version,
      )
      return { ...page, versions: dated }
    }
    expect(await rotateObject('k', site.options())).toMatchObject({ outcome: 'rotated', races: 1 })
    expect(await site.read('k', site.reader)).toBe('newer')
  })

  test('a source that was removed for good while it was rotated leaves its content under the new key', async () => {
    const site = new RewriteSite()
    await site.app.put('k', 'older')
    await site.app.put('k', 'text')
    const versionId = site.transport.objects.get('k')?.versionId
    site.transport.intercept = ({ operation }) =>
      operation === 'listVersions' ? site.app.delete('k', { versionId }) : undefined
    expect(await rotateObject('k', site.options())).toMatchObject({ outcome: 'rotated' })
    expect(await site.read('k', site.reader)).toBe('text')
  })
})

test('an abort after the write still removes what hides a newer version', async () => {
  const site = new RewriteSite()
  await site.app.put('k', 'text')
  const controller = new AbortController()
  let raced = false
  site.transport.intercept = async ({ operation }) => {
    if (operation === 'listVersions') controller.abort(new Error('cancelled'))
    if (operation !== 'put' || raced) return
    raced = true
    await site.app.put('k', 'newer')
  }
  const { signal } = controller
  await expect(allRows(rotateShard(WHOLE, { ...site.options(), signal }))).rejects.toThrow('cancelled')
  expect(await site.read('k')).toBe('newer')
})

function denied(): TransportError {
  return new TransportError('ERR_CSE_ACCESS_DENIED', 'AccessDenied', { status: 403, retryable: false })
}

/** Leaves a header out of the responses to HEADs and GETs, or one value of it. */
function withoutHeader(transport: MemoryTransport, name: string, value?: string): void {
  const without = (headers: HeaderMap): HeaderMap =>
    Object.fromEntries(
      Object.entries(headers).filter((header) => header[0] !== name || header[1] !== (value ?? header[1])),
    )
  const head = transport.head.bind(transport)
  transport.head = async (request) => {
    const response = await head(request)
    return { ...response, headers: without(response.headers) }
  }
  transport.alterGet = (response) => ({ ...response, headers: without(response.headers) })
}
