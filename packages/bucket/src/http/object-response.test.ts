import { CseError, TransportError } from '@oss-cse/crypto-core'
import { MemoryTransport } from '@oss-cse/crypto-core/testing'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { broken, difference, pattern } from '../../test/bytes.ts'
import { memoryBucket } from '../../test/memory-bucket.ts'
import { operations } from '../../test/multipart.ts'
import type { CryptoBucket } from '../crypto-bucket.ts'
import type { PutOptions } from '../write/put-object.ts'
import { type ObjectResponseOptions, objectResponse } from './object-response.ts'

const data = pattern(1000)
const FORMATS = ['aes-ctr', 'sealed'] as const
const NEVER = '"00000000000000000000000000000000"'

function requestOf(headers: Record<string, string> = {}, init: RequestInit = {}): Request {
  return new Request('https://app.example/files/a', { headers, ...init })
}

async function stored(bytes: Uint8Array = data, options: PutOptions = {}) {
  const made = memoryBucket()
  const { etag = '' } = await made.bucket.put('a', bytes, options)
  made.transport.requests.length = 0
  const send = (headers: Record<string, string> = {}, more: ObjectResponseOptions = {}) =>
    objectResponse(made.bucket, 'a', requestOf(headers), more)
  const head = (headers: Record<string, string> = {}, more: ObjectResponseOptions = {}) =>
    objectResponse(made.bucket, 'a', requestOf(headers, { method: 'HEAD' }), more)
  return { ...made, etag, send, head }
}

async function bytesOf(response: Response): Promise<Uint8Array> {
  return new Uint8Array(await response.arrayBuffer())
}

/** Reads a body to its end by hand: browsers replace the error of `arrayBuffer`. */
async function drained({ body }: Response): Promise<void> {
  const reader = body?.getReader()
  while ((await reader?.read())?.done === false);
}

/** What RFC 9110 demands of one range, written without the code under test. */
function demanded(text: string, sizeBytes: number): [start: number, end: number] | 'whole' | 'none' {
  if (sizeBytes === 0) return 'whole'
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(text) ?? []
  if (first === '' && last === '') return 'whole'
  if (first === '') {
    return Number(last) === 0 ? 'none' : [Math.max(0, sizeBytes - Number(last)), sizeBytes - 1]
  }
  if (last !== '' && Number(last) < Number(first)) return 'whole'
  if (Number(first) >= sizeBytes) return 'none'
  return [Number(first), last === '' ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1)]
}

async function checkRange(
  bucket: CryptoBucket,
  content: Uint8Array,
  text: string,
  method = 'GET',
): Promise<void> {
  const response = await objectResponse(bucket, 'a', requestOf({ range: text }, { method }))
  const wanted = method === 'HEAD' ? 'whole' : demanded(text, content.length)
  const { headers, status } = response
  const body = await bytesOf(response)
  const shown = [status, headers.get('content-range'), headers.get('content-length')]
  if (wanted === 'none') {
    expect(shown).toEqual([416, `bytes */${content.length}`, String(body.length)])
    return
  }
  const [start, end] = wanted === 'whole' ? [0, content.length - 1] : wanted
  const expected = content.subarray(start, end + 1)
  expect(shown).toEqual(
    wanted === 'whole'
      ? [200, null, String(expected.length)]
      : [206, `bytes ${start}-${end}/${content.length}`, String(expected.length)],
  )
  expect(difference(body, method === 'HEAD' ? new Uint8Array() : expected)).toBeUndefined()
}

describe.each(FORMATS)('of an object in the format %s', (format) => {
  test('each range is that slice of the plaintext, or the right status', async () => {
    const { bucket } = memoryBucket({ format })
    const sizes = [0, 1, 15, 16, 17, 53]
    for (const sizeBytes of sizes) {
      const content = pattern(sizeBytes)
      await bucket.put('a', content)
      const offsets = [0, 1, 2, 15, 16, 17, 52, 53, 54, 2 ** 60]
      for (const first of ['', ...offsets]) {
        for (const last of ['', ...offsets]) await checkRange(bucket, content, `bytes=${first}-${last}`)
      }
    }
  })

  test('any range of any object is that slice of the plaintext, or the right status', async () => {
    const { bucket } = memoryBucket({ format })
    const offset = fc.oneof(
      fc.constant(''),
      fc.nat(140_000),
      fc.nat(20),
      fc.integer({ min: 65_400, max: 65_600 }),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.nat(140_000), fc.integer({ min: 65_400, max: 65_600 })),
        fc.array(fc.tuple(offset, offset, fc.constantFrom('GET', 'GET', 'GET', 'HEAD')), {
          minLength: 1,
          maxLength: 8,
        }),
        async (sizeBytes, ranges) => {
          const content = pattern(sizeBytes)
          await bucket.put('a', content)
          for (const [first, last, method] of ranges)
            await checkRange(bucket, content, `bytes=${first}-${last}`, method)
        },
      ),
      { numRuns: 12 },
    )
  })

  test('a GET takes one request, and a body that is cancelled closes it', async () => {
    const { bucket, transport } = memoryBucket({ format, accept: format === 'sealed' ? 'sealed' : 'any' })
    await bucket.put('a', data)
    transport.requests.length = 0
    const [whole, part] = [
      await objectResponse(bucket, 'a', requestOf()),
      await objectResponse(bucket, 'a', requestOf({ range: 'bytes=5-' })),
    ]
    expect([whole.status, part.status]).toEqual([200, 206])
    expect(operations(transport)).toEqual(['get', 'get'])
    await whole.body?.cancel()
    await part.body?.cancel()
  })
})

test.each([
  'bytes=0-1,5-6',
  'bytes=5-4',
  'bytes=-',
  'bytes=a-b',
  'bytes 0-1',
  'bytes=bytes=0-1',
  'lines=0-1',
  '0-1',
])('a Range that is not one range of bytes is ignored: %s', async (range) => {
  const { send } = await stored()
  const response = await send({ range })
  expect(response.status).toBe(200)
  expect(await bytesOf(response)).toEqual(data)
})

test('the unit of a Range is case-insensitive, and spaces around a range are allowed', async () => {
  const { send } = await stored()
  expect((await send({ range: 'Bytes= 3-4 ' })).headers.get('content-range')).toBe('bytes 3-4/1000')
})

describe('a HEAD', () => {
  test('has the status and the headers of a GET, and no body', async () => {
    const { send, head } = await stored(data, { contentType: 'image/png' })
    const [get, response] = [await send(), await head({ range: 'bytes=0-1' })]
    expect(response.status).toBe(200)
    expect([...response.headers]).toEqual([...get.headers])
    expect(response.headers.get('content-length')).toBe('1000')
    expect(response.body).toBeNull()
    await get.body?.cancel()
  })

  test('of an object that a GET refuses has the same status', async () => {
    const { bucket, transport } = await stored()
    await transport.plant('plain', data)
    for (const method of ['GET', 'HEAD']) {
      const response = await objectResponse(bucket, 'plain', requestOf({}, { method }))
      expect(response.status).toBe(502)
      expect(await response.text()).toBe(method === 'GET' ? '502 ERR_CSE_NOT_ENCRYPTED\n' : '')
    }
  })
})

describe('preconditions', () => {
  test('that the object is unchanged are a 304 without a body, and without a read of it', async () => {
    const { send, head, etag, transport } = await stored()
    for (const tag of [etag, `W/${etag}`, `${NEVER}, ${etag}`, '*']) {
      for (const response of [await send({ 'if-none-match': tag }), await head({ 'if-none-match': tag })]) {
        expect(response.status).toBe(304)
        expect(response.headers.get('etag')).toBe(etag)
        expect(response.body).toBeNull()
      }
    }
    expect(new Set(operations(transport))).toEqual(new Set(['head']))
  })

  test('that do not hold any more return the object', async () => {
    const { send } = await stored()
    for (const headers of [{ 'if-none-match': NEVER }, { 'if-none-match': 'no tag' }]) {
      const response = await send(headers)
      expect(response.status).toBe(200)
      expect(await bytesOf(response)).toEqual(data)
    }
  })

  test('of the date are judged only where there is no ETag', async () => {
    // Stored at the beginning of 1970.
    const { send, etag } = await stored()
    const [old, now] = ['Thu, 01 Jan 1970 00:00:00 GMT', 'Fri, 01 Jan 2027 00:00:00 GMT']
    const before = 'Wed, 31 Dec 1969 23:59:59 GMT'
    const status = async (headers: Record<string, string>) => {
      const response = await send(headers)
      await response.body?.cancel()
      return response.status
    }
    expect(await status({ 'if-modified-since': old })).toBe(304)
    expect(await status({ 'if-modified-since': before })).toBe(200)
    expect(await status({ 'if-modified-since': '1' })).toBe(200)
    expect(await status({ 'if-modified-since': now, 'if-none-match': NEVER })).toBe(200)
    expect(await status({ 'if-unmodified-since': old })).toBe(200)
    expect(await status({ 'if-unmodified-since': before })).toBe(412)
    expect(await status({ 'if-unmodified-since': before, 'if-match': etag })).toBe(200)
  })

  test('If-Match accepts strong tags of the object alone, and pins the read to it', async () => {
    const { send, etag, transport } = await stored()
    for (const tag of [etag, `${NEVER}, ${etag}`, '*']) {
      transport.requests.length = 0
      const response = await send({ 'if-match': tag, range: 'bytes=0-9' })
      expect(response.status).toBe(206)
      expect(transport.requests.at(-1)?.headers['if-match']).toBe(etag)
      await response.body?.cancel()
    }
    for (const tag of [NEVER, `W/${etag}`, '']) {
      const response = await send({ 'if-match': tag })
      expect([response.status, await response.text()]).toEqual([412, '412 ERR_CSE_PRECONDITION_FAILED\n'])
    }
  })

  test('If-Match does not accept an object that replaced the judged one', async () => {
    const { send, bucket, etag, transport } = await stored()
    const replaceBeforeGet = async ({ operation }: { readonly operation: string }) => {
      if (operation !== 'get') return
      transport.intercept = undefined
      await bucket.put('a', pattern(10))
    }
    transport.intercept = replaceBeforeGet
    expect((await send({ 'if-match': etag, 'if-range': etag, range: 'bytes=0-9' })).status).toBe(412)
  })
})

describe('If-Range', () => {
  test('with the tag of the object returns the range, by one request', async () => {
    const { send, etag, transport } = await stored()
    const response = await send({ range: 'bytes=10-19', 'if-range': etag })
    expect(response.status).toBe(206)
    expect(await bytesOf(response)).toEqual(data.subarray(10, 20))
    expect(operations(transport)).toEqual(['get'])
  })

  test.each([
    ['another tag', NEVER],
    ['a weak tag', `W/${NEVER}`],
    ['a date', 'Thu, 01 Jan 1970 00:00:00 GMT'],
  ])('with %s returns the whole object', async (_what, ifRange) => {
    const { send } = await stored()
    const response = await send({ range: 'bytes=10-19', 'if-range': ifRange })
    expect(response.status).toBe(200)
    expect(await bytesOf(response)).toEqual(data)
  })

  test('without a Range changes nothing', async () => {
    const { send, etag } = await stored()
    const response = await send({ 'if-range': etag })
    expect(response.status).toBe(200)
    await response.body?.cancel()
  })
})

describe('what a browser may do with an object', () => {
  test.each([
    ['image/png', 'image/png'],
    ['Video/MP4', 'video/mp4'],
    ['video/webm; codecs="vp8"', 'video/webm'],
    ['text/vtt; charset=utf-8', 'text/vtt; charset=utf-8'],
    ['image/png; x=,text/html; charset=utf-8', 'image/png'],
  ])('%s is shown', async (contentType, shown) => {
    const { send } = await stored(data, { contentType })
    const { headers, body } = await send()
    await body?.cancel()
    expect(headers.get('content-type')).toBe(shown)
    expect(headers.get('content-disposition')).toBe('inline; filename="a"')
  })

  test.each([
    'text/html',
    'application/xhtml+xml',
    'image/svg+xml',
    'text/javascript',
    'text/css',
    'application/pdf',
    'image/png,text/html',
    'text/html;image/png',
    '',
  ])('%s is only bytes to save', async (contentType) => {
    const { send } = await stored(data, { headers: { 'content-type': contentType } })
    for (const headers of [{}, { range: 'bytes=0-1' }]) {
      const response = await send(headers)
      await response.body?.cancel()
      expect(response.headers.get('content-type')).toBe('application/octet-stream')
      expect(response.headers.get('content-disposition')).toBe('attachment; filename="a"')
    }
  })

  test('each response, also an error, is not guessed, not cached, not framed elsewhere, and runs nothing', async () => {
    const { send, head, bucket, etag } = await stored()
    for (const response of [
      await send(),
      await head(),
      await send({ range: 'bytes=0-1' }),
      await send({ range: 'bytes=5000-' }),
      await send({ 'if-none-match': etag }),
      await objectResponse(bucket, 'missing', requestOf()),
      await objectResponse(bucket, 'a', requestOf({}, { method: 'DELETE' })),
    ]) {
      expect(response.headers.get('x-content-type-options')).toBe('nosniff')
      expect(response.headers.get('cache-control')).toBe('no-store')
      expect(response.headers.get('content-security-policy')).toBe(
        "sandbox; default-src 'none'; frame-ancestors 'self'",
      )
      await response.body?.cancel()
    }
  })

  test('a caller may show other types, and never one that runs', async () => {
    const { send, transport } = await stored(data, { contentType: 'application/pdf' })
    const response = await send({}, { inlineTypes: ['application/pdf'] })
    expect(response.headers.get('content-type')).toBe('application/pdf')
    await response.body?.cancel()
    transport.requests.length = 0
    for (const type of [
      'text/html',
      'image/svg+xml',
      'application/xml',
      'text/javascript',
      'text/css',
      'Image/PNG',
      'image/*',
      'image',
    ]) {
      await expect(send({}, { inlineTypes: [type] })).rejects.toMatchObject({
        code: 'ERR_CSE_INVALID_ARGUMENT',
      })
    }
    expect(transport.requests).toEqual([])
  })

  test('a name for the download makes it one, and so does the object', async () => {
    const contentType = 'image/png'
    const { send, bucket } = await stored(data, { contentType })
    const shown = async (options: ObjectResponseOptions) => {
      const { headers, body } = await send({}, options)
      await body?.cancel()
      return headers.get('content-disposition')
    }
    expect(await shown({ downloadName: 'x.png' })).toBe('attachment; filename="x.png"')
    expect(await shown({ downloadName: '' })).toBe('attachment; filename="a"')
    const headers = { 'content-disposition': 'attachment; filename="b.png"' }
    await bucket.put('a', data, { contentType, headers })
    expect(await shown({})).toBe('attachment; filename="b.png"')
    expect(await shown({ downloadName: 'c.png' })).toBe('attachment; filename="c.png"')
    await bucket.put('a', data, { contentType, headers: { 'content-disposition': 'inline; filename=d.png' } })
    expect(await shown({})).toBe('inline; filename="d.png"')
  })

  test('an encoding that the content has is told', async () => {
    const { send } = await stored(data, { headers: { 'content-encoding': 'br' } })
    const { headers, body } = await send()
    await body?.cancel()
    expect(headers.get('content-encoding')).toBe('br')
  })
})

describe('an error', () => {
  test.each([
    ['ERR_CSE_NOT_FOUND', 404, 404],
    ['ERR_CSE_ACCESS_DENIED', 403, 403],
    ['ERR_CSE_SERVICE', 501, 502],
    ['ERR_CSE_NETWORK', undefined, 502],
    ['ERR_CSE_TIMEOUT', undefined, 504],
    ['ERR_CSE_THROTTLED', 503, 503],
  ] as const)('%s becomes a status, and its code alone is told', async (code, status, expected) => {
    const { bucket, transport } = await stored()
    const error = new TransportError(code, 'signature=secret', { status, retryable: false })
    transport.intercept = () => Promise.reject(error)
    const onError = vi.fn()
    for (const method of ['GET', 'HEAD']) {
      const response = await objectResponse(bucket, 'a', requestOf({}, { method }), { onError })
      expect(response.status).toBe(expected)
      expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8')
      expect(await response.text()).toBe(method === 'GET' ? `${expected} ${code}\n` : '')
    }
    expect(onError).toHaveBeenCalledTimes(2)
    expect(onError.mock.calls[0]?.[0]).toMatchObject({ code })
  })

  test('of an envelope that cannot be opened has the status 502', async () => {
    const { send, transport } = await stored()
    transport.alterGet = (response) => ({
      ...response,
      headers: { ...response.headers, 'x-oss-meta-client-side-encryption-key': btoa('x'.repeat(40)) },
    })
    const response = await send()
    expect([response.status, await response.text()]).toEqual([502, '502 ERR_CSE_UNWRAP_FAILED\n'])
  })

  test('that is not of this library is a 500 without its text', async () => {
    const onError = vi.fn()
    const failing = { get: () => Promise.reject(new Error('secret')), head: () => Promise.reject() }
    const response = await objectResponse(failing, 'a', requestOf(), { onError })
    expect([response.status, await response.text()]).toEqual([500, '500 internal error\n'])
    expect(onError).toHaveBeenCalledWith(new Error('secret'))
  })

  test('another method is a 405 before any request', async () => {
    const { bucket, transport } = await stored()
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      const response = await objectResponse(bucket, 'a', requestOf({}, { method }))
      expect(response.status).toBe(405)
      expect(response.headers.get('allow')).toBe('GET, HEAD')
    }
    expect(transport.requests).toEqual([])
  })

  test('an empty key is a 400', async () => {
    const { bucket } = await stored()
    expect((await objectResponse(bucket, '', requestOf())).status).toBe(400)
  })
})

describe('a body', () => {
  test('errors at its end when the checksum is wrong', async () => {
    const { send, transport } = await stored(pattern(300_000))
    transport.alterGet = (response) => ({
      ...response,
      headers: { ...response.headers, 'x-oss-hash-crc64ecma': '1' },
    })
    const response = await send()
    expect(response.status).toBe(200)
    await expect(drained(response)).rejects.toMatchObject({ code: 'ERR_CSE_INTEGRITY' })
  })

  test('of a sealed object that was altered errors before a wrong byte leaves', async () => {
    const { bucket, transport } = memoryBucket({ format: 'sealed' })
    await bucket.put('a', pattern(200_000))
    const { bytes = new Uint8Array(), headers = {} } = transport.objects.get('a') ?? {}
    bytes[70_000] = (bytes[70_000] ?? 0) ^ 1
    await transport.plant('a', bytes, headers)
    for (const range of ['bytes=0-', 'bytes=70000-70001']) {
      const response = await objectResponse(bucket, 'a', requestOf({ range }))
      expect(response.status).toBe(206)
      await expect(drained(response)).rejects.toMatchObject({ code: 'ERR_CSE_AUTHENTICATION_FAILED' })
    }
  })

  test('is not read ahead of its reader', async () => {
    const transport = new MemoryTransport()
    transport.chunkBytes = 1000
    const { bucket } = memoryBucket({ transport })
    await bucket.put('a', pattern(1_000_000))
    let chunks = 0
    transport.alterGet = (response) => ({
      ...response,
      body: (async function* () {
        for await (const chunk of response.body) {
          chunks += 1
          yield chunk
        }
      })(),
    })
    const response = await objectResponse(bucket, 'a', requestOf())
    const reader = response.body?.getReader()
    for (let i = 0; i < 5; i++) await reader?.read()
    expect(chunks).toBeLessThan(500)
    await reader?.cancel()
  })

  test('resumes when the connection breaks', async () => {
    const { send, transport } = await stored()
    let breaks = 1
    const lost = new TransportError('ERR_CSE_NETWORK', 'reset', { retryable: true })
    transport.alterGet = (response) =>
      breaks-- > 0 ? { ...response, body: broken(response.body, 100, lost) } : response
    expect(await bytesOf(await send())).toEqual(data)
  })
})

test('a request that was aborted rejects with its reason, and no error is reported', async () => {
  const { bucket, transport } = await stored()
  const controller = new AbortController()
  const onError = vi.fn()
  transport.intercept = async () => controller.abort(new CseError('ERR_CSE_SOURCE', 'gone'))
  const request = requestOf({}, { signal: controller.signal })
  await expect(objectResponse(bucket, 'a', request, { onError })).rejects.toMatchObject({ message: 'gone' })
  expect(onError).not.toHaveBeenCalled()
})
