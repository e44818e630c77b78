import { CryptoBucket } from '@oss-cse/bucket'
import { decodeEnvelope, OSS_HEADERS } from '@oss-cse/crypto-core'
import { describe, expect, test } from 'vitest'
import {
  allRows,
  denied,
  NEW,
  OLD,
  outcomes,
  RewriteSite,
  WHOLE,
  withoutHeader,
  writesOf,
} from '../test/rewrite-site.ts'
import { formatRow, parseRow } from './report/report-row.ts'
import { rotateObject, rotateShard } from './rotate-object.ts'

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
    expect(writesOf(site.transport)).toEqual([])
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
