import { CryptoBucket } from '@oss-cse/bucket'
import { createTestProvider, MemoryTransport } from '@oss-cse/crypto-core/testing'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { decryptedUrl } from './decrypted-url.ts'
import { type ServeDecryptedOptions, serveDecrypted } from './serve-decrypted.ts'

const invalid = expect.objectContaining({ code: 'ERR_CSE_INVALID_ARGUMENT' })
const ORIGIN = 'https://app.example'

afterEach(() => vi.unstubAllGlobals())

/** The global scope of a worker, as far as it is used, with a way to send requests. */
function worker(scope = '/', openPages = 1) {
  const listeners = new Map<string, (event: unknown) => void>()
  const claim = vi.fn(async () => {})
  vi.stubGlobal('registration', { scope: ORIGIN + scope })
  vi.stubGlobal('clients', { claim, matchAll: async () => Array.from({ length: openPages }) })
  vi.stubGlobal('addEventListener', (type: string, listener: (event: unknown) => void) =>
    listeners.set(type, listener),
  )
  const send = (path: string, fields: Partial<Request> = {}): Promise<Response> | undefined => {
    let response: Promise<Response> | undefined
    const { headers, signal } = new Request(ORIGIN)
    const request = {
      url: new URL(path, ORIGIN).href,
      method: 'GET',
      mode: 'cors',
      headers,
      signal,
      ...fields,
    }
    listeners.get('fetch')?.({
      request,
      stopImmediatePropagation() {},
      respondWith(given: Promise<Response>) {
        response = given
      },
    })
    return response
  }
  const message = (data: unknown) => listeners.get('message')?.({ data, waitUntil() {} })
  return { send, message, claim }
}

async function bucketWith(...keys: readonly string[]): Promise<CryptoBucket> {
  const bucket = new CryptoBucket({ transport: new MemoryTransport(), provider: createTestProvider() })
  for (const key of keys) await bucket.put(key, key, { contentType: 'video/mp4' })
  return bucket
}

describe('a request', () => {
  test('below the path is answered with the object of that key, whether its slashes are encoded or not', async () => {
    const { send } = worker()
    const bucket = await bucketWith('a/b', 'a/../b')
    serveDecrypted({ openBucket: () => bucket })
    expect(await (await send('/cse/a/b'))?.text()).toBe('a/b')
    expect(await (await send(decryptedUrl('a/b')))?.text()).toBe('a/b')
    expect(await (await send(decryptedUrl('a/../b')))?.text()).toBe('a/../b')
  })

  test.each(['/', '/csea', '/other/cse/a', 'https://other.example/cse/a'])(
    'of %s is left to others',
    async (url) => {
      const { send } = worker()
      serveDecrypted({ openBucket: () => bucketWith('a') })
      expect(send(url)).toBeUndefined()
    },
  )

  test.each([
    ['/cse/', 404],
    ['/cse/%ff', 404],
    ['/cse/missing', 404],
  ])('of %s is a %i', async (url, status) => {
    const { send } = worker()
    serveDecrypted({ openBucket: () => bucketWith('a') })
    expect((await send(url))?.status).toBe(status)
  })

  test('is below the scope of the worker by default, or below any path in it', async () => {
    const { send } = worker('/app/')
    const bucket = await bucketWith('a')
    serveDecrypted({ openBucket: () => bucket })
    expect((await send('/app/cse/a'))?.status).toBe(200)
    serveDecrypted({ openBucket: () => bucket, path: '/app/files/' })
    expect((await send('/app/files/a'))?.status).toBe(200)
    expect(send('/app/cse/a')).toBeUndefined()
  })

  test('for a download has the name that the URL says', async () => {
    const { send } = worker()
    serveDecrypted({ openBucket: () => bucketWith('a') })
    const response = await send(decryptedUrl('a', { downloadName: '"x"' }))
    expect(response?.headers.get('content-disposition')).toBe(
      'attachment; filename="_x_"; filename*=UTF-8\'\'%22x%22',
    )
  })
})

describe('a navigation', () => {
  const navigate = { mode: 'navigate' } as const
  test.each([
    ['of this origin', `${ORIGIN}/page`, 0, 200],
    ['of another origin', 'https://other.example/', 1, 403],
    ['of a similar origin', `${ORIGIN}.evil.example/`, 1, 403],
    ['without a referrer, while a page is open', '', 1, 200],
    ['without a referrer, while no page is open', '', 0, 403],
    ['with a hidden referrer, while no page is open', 'about:client', 0, 403],
  ])('%s (%s, %i pages open) is a %i', async (_what, referrer, openPages, status) => {
    const { send } = worker('/', openPages)
    serveDecrypted({ openBucket: () => bucketWith('a') })
    expect((await send('/cse/a', { ...navigate, referrer }))?.status).toBe(status)
  })

  test('to a film saves it, and a player in a page plays it', async () => {
    const { send } = worker()
    serveDecrypted({ openBucket: () => bucketWith('a') })
    const shown = async (fields: Partial<Request>) =>
      (await send('/cse/a', fields))?.headers.get('content-disposition')
    expect(await shown({ ...navigate, referrer: ORIGIN })).toBe('attachment; filename="a"')
    expect(await shown({ mode: 'no-cors' })).toBe('inline; filename="a"')
  })
})

describe('the bucket', () => {
  test('is opened at the first request, once for all that come meanwhile', async () => {
    const { send } = worker()
    const openBucket = vi.fn(() => bucketWith('a'))
    serveDecrypted({ openBucket })
    expect(openBucket).not.toHaveBeenCalled()
    await Promise.all([send('/cse/a'), send('/cse/a')])
    expect(openBucket).toHaveBeenCalledTimes(1)
  })

  test('is opened again after it failed to, and the failure is reported without its text', async () => {
    const { send } = worker()
    const [openBucket, onError] = [vi.fn(() => bucketWith('a')), vi.fn()]
    openBucket.mockRejectedValueOnce(new Error('secret'))
    serveDecrypted({ openBucket, onError })
    const failed = await send('/cse/a')
    expect([failed?.status, await failed?.text()]).toEqual([500, '500 internal error\n'])
    expect(onError).toHaveBeenCalledWith(new Error('secret'))
    expect((await send('/cse/a'))?.status).toBe(200)
  })

  test('is opened again after it was forgotten', async () => {
    const { send } = worker()
    const openBucket = vi.fn(() => bucketWith('a'))
    const objects = serveDecrypted({ openBucket })
    await objects.forget()
    await send('/cse/a')
    await objects.forget()
    await send('/cse/a')
    expect(openBucket).toHaveBeenCalledTimes(2)
  })
})

test('a worker takes control of pages when one of them asks', () => {
  const { message, claim } = worker()
  serveDecrypted({ openBucket: () => bucketWith() })
  message('anything else')
  expect(claim).not.toHaveBeenCalled()
  message('oss-cse:claim')
  expect(claim).toHaveBeenCalledTimes(1)
})

test.each([
  [{ openBucket: 'bucket' }],
  [{ path: 'cse/' }],
  [{ path: '/other/' }],
  [{ maxOpenObjects: 0 }],
  [{ maxOpenObjects: 1.5 }],
  [{ inlineTypes: ['text/html'] }],
])('the options %j are refused', (options) => {
  worker('/app/')
  const all = { openBucket: () => bucketWith(), ...options } as ServeDecryptedOptions
  expect(() => serveDecrypted(all)).toThrow(invalid)
})

test('outside of a service worker it is refused', () => {
  expect(() => serveDecrypted({ openBucket: () => bucketWith() })).toThrow(invalid)
})
