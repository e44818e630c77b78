import { readFile } from 'node:fs/promises'
import { CryptoBucket } from '@oss-cse/bucket'
import type { ContentFormat, MasterKeyProvider } from '@oss-cse/crypto-core'
import { createWebAesProvider, importWebAesKey } from '@oss-cse/provider-web'
import type { Browser, BrowserContext, Download, Page } from 'playwright'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { BUNDLERS } from './bundles.ts'
import { launchBrowser, PAGE_HTML } from './launch-browser.ts'
import { png, wav } from './media.ts'
import { type ObjectServer, startObjectServer } from './object-server.ts'
import type { Actions } from './pages/page.ts'

declare const actions: Actions

const rawKey = [...crypto.getRandomValues(new Uint8Array(32))]
const data = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 31 + (i >> 8) * 7) & 0xff)
let provider: MasterKeyProvider
let browser: Browser
let server: ObjectServer
let bucket: CryptoBucket
let context: BrowserContext
let tab: Page

beforeAll(async () => {
  provider = await createWebAesProvider(await importWebAesKey(Uint8Array.from(rawKey)))
  browser = await launchBrowser()
})

afterAll(() => browser.close())

afterEach(async () => {
  await context.close()
  await server.close()
})

async function start(bundle: (entry: string) => Promise<string>): Promise<void> {
  server = await startObjectServer()
  const { files, origin } = server
  const script = async (entry: string) => ({ type: 'text/javascript', text: await bundle(entry) })
  files.set('/', { type: 'text/html', text: PAGE_HTML })
  files.set('/page.js', await script('page.ts'))
  files.set('/sw.js', await script('sw.ts'))
  bucket = bucketOf('aes-ctr')
  context = await browser.newContext()
  tab = await context.newPage()
  await tab.goto(`${origin}/`)
}

async function signIn(): Promise<void> {
  await tab.evaluate((raw) => actions.signIn(raw), rawKey)
}

function fetched(url: string, headers: Record<string, string> = {}, method = 'GET') {
  return tab.evaluate(([url, init]) => actions.fetched(url, init), [url, { headers, method }] as const)
}

async function stopWorkers(): Promise<void> {
  const session = await context.newCDPSession(tab)
  await session.send('ServiceWorker.enable')
  await session.send('ServiceWorker.stopAllWorkers')
  await session.detach()
}

async function saved(begin: () => Promise<unknown>): Promise<Download> {
  const [download] = await Promise.all([tab.waitForEvent('download'), begin()])
  return download
}

function seek(seconds: number): Promise<number> {
  return tab.evaluate((to) => actions.seek(to), seconds)
}

describe.each(['esbuild', 'vite'] as const)('bundled by %s without configuration', (name) => {
  beforeEach(() => start(BUNDLERS[name]))

  test('a worker serves the page on its first visit, and after it was stopped', async () => {
    await bucket.put('a 1.png', png(3, 2, [10, 200, 30]), { contentType: 'image/png' })
    await signIn()
    const image = () => tab.evaluate(() => actions.image(actions.decryptedUrl('a 1.png')))
    const expected = { width: 3, height: 2, pixel: [10, 200, 30, 255] }
    expect(await image()).toEqual(expected)
    await stopWorkers()
    expect(await image()).toEqual(expected)
    expect(server.missed).toEqual([])
  })
})

describe('a page', () => {
  beforeEach(async () => {
    await start(BUNDLERS.esbuild)
  })

  test('is served again after a reload that bypasses the worker', async () => {
    await bucket.put('a', data)
    await signIn()
    const session = await context.newCDPSession(tab)
    await Promise.all([tab.waitForEvent('load'), session.send('Page.reload', { ignoreCache: true })])
    expect(await tab.evaluate(() => navigator.serviceWorker.controller === null)).toBe(true)
    await tab.evaluate(() => actions.registerWorker('/sw.js').then(() => {}))
    expect((await fetched('/cse/a')).bytes).toEqual([...data])
  })

  test('that is outside of the scope of the worker is told so', async () => {
    const { files } = server
    files.set('/deep/sw.js', files.get('/sw.js') as { type: string; text: string })
    const failed = tab.evaluate(() => actions.registerWorker('/deep/sw.js').then(() => {}))
    await expect(failed).rejects.toThrow('outside of the worker')
  })

  test('is served by its own worker, and not by that of a folder above', async () => {
    const { files, origin, missed } = server
    for (const path of ['/', '/sw.js'])
      files.set(`/app${path}`, files.get(path) as { type: string; text: string })
    await bucket.put('a', data)
    await signIn()
    await tab.goto(`${origin}/app/`)
    expect(await tab.evaluate(() => navigator.serviceWorker.controller?.scriptURL)).toBe(`${origin}/sw.js`)
    await tab.evaluate(() => actions.registerWorker('/app/sw.js').then(() => {}))
    const url = await tab.evaluate(() => actions.decryptedUrl('a', { path: '/app/cse/' }))
    expect((await fetched(url)).bytes).toEqual([...data])
    expect(missed).toEqual([])
  })

  test('is served as soon as somebody has signed in, and not after the key is gone', async () => {
    await bucket.put('a', data)
    await tab.evaluate(() => actions.registerWorker('/sw.js').then(() => {}))
    const failed = await fetched('/cse/a')
    expect([failed.status, text(failed.bytes)]).toEqual([500, '500 internal error\n'])
    await signIn()
    expect((await fetched('/cse/a')).status).toBe(200)
    await tab.evaluate(
      () =>
        new Promise((resolve) => {
          indexedDB.deleteDatabase('oss-cse-keys').onsuccess = resolve
        }),
    )
    await tab.evaluate(() => actions.forget())
    expect((await fetched('/cse/a')).status).toBe(500)
  })

  describe('whose user is signed in', () => {
    beforeEach(signIn)

    test('plays sound, and seeks in it, also after the worker was stopped', async () => {
      await bucket.put('sound.wav', wav(30), { contentType: 'audio/wav' })
      const { requests } = server.transport
      requests.length = 0
      expect(await tab.evaluate(() => actions.openMedia(actions.decryptedUrl('sound.wav')))).toBeCloseTo(30)
      for (const second of [25, 3, 14.5]) expect(await seek(second)).toBeCloseTo(second)
      const heads = () => requests.filter(({ operation }) => operation === 'head').length
      expect(heads()).toBe(1)
      await stopWorkers()
      for (const second of [28, 9, 20]) expect(await seek(second)).toBeCloseTo(second)
      expect(heads()).toBe(2)
      for (const { headers, operation } of requests) {
        if (operation !== 'get') continue
        const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(headers['range'] ?? '') ?? []
        expect(Number(last) - Number(first)).toBeLessThan(1024 * 1024 + 16)
      }
      expect(server.missed).toEqual([])
    })

    test('plays film, and draws the frames at which it seeks, also after the worker was stopped', async () => {
      // Made by ffmpeg: five seconds of red and five of blue, with the index at the end.
      const film = await readFile(new URL('red-then-blue.webm', import.meta.url))
      await bucketOf('sealed').put('film', film, { contentType: 'video/webm' })
      // A frame may be drawn a little later than the player says that it is there.
      const shows = async (second: number, colour: string) => {
        await seek(second)
        await tab.waitForFunction((expected) => actions.colour() === expected, colour)
      }
      expect(await tab.evaluate(() => actions.openMedia('/cse/film', 'video'))).toBeCloseTo(10)
      await shows(8, 'blue')
      await shows(2, 'red')
      await stopWorkers()
      await shows(9.5, 'blue')
      await shows(1, 'red')
    })

    test.each([
      ['a frame', (url: string) => tab.evaluate((to) => actions.frame(to), url)],
      ['a link', (url: string) => tab.evaluate((to) => actions.follow(to), url)],
    ])('saves an object through %s, under the name that it wants', async (_what, begin) => {
      const content = wav(60)
      await bucket.put('music/1.wav', content, { contentType: 'audio/wav' })
      const url = await tab.evaluate(() =>
        actions.decryptedUrl('music/1.wav', { downloadName: 'Lied "Nr. 1" 歌.wav' }),
      )
      const download = await saved(() => begin(url))
      expect(await download.failure()).toBeNull()
      expect(download.suggestedFilename()).toContain('歌.wav')
      expect(Buffer.compare(await readFile(await download.path()), content)).toBe(0)
    })

    test.each(['aes-ctr', 'sealed'] as const)('is told that a download was altered: %s', async (format) => {
      const { transport } = server
      await bucketOf(format).put('a', wav(60))
      const { bytes = new Uint8Array(), headers = {} } = transport.objects.get('a') ?? {}
      const last = bytes.length - 100
      bytes[last] = (bytes[last] ?? 0) ^ 1
      if (format === 'sealed') await transport.plant('a', bytes, headers)
      const download = await saved(() => tab.evaluate(() => actions.follow('/cse/a')))
      expect(await download.failure()).not.toBeNull()
    })

    test.each(['text/html', 'image/svg+xml', 'application/xhtml+xml'])(
      'never renders %s under its own origin',
      async (contentType) => {
        const script =
          '<script xmlns="http://www.w3.org/1999/xhtml">parent.document.title = "attacked"</script>'
        const document =
          contentType === 'image/svg+xml'
            ? `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">${script}</svg>`
            : `<html xmlns="http://www.w3.org/1999/xhtml"><body>${script}</body></html>`
        await bucket.put('x', document, { contentType })
        const download = await saved(() => tab.evaluate(() => actions.frame('/cse/x')))
        expect(download.suggestedFilename()).toMatch(/^x/)
        expect(await tab.title()).toBe('page')
        const { headers } = await fetched('/cse/x')
        expect(headers).toMatchObject({
          'content-type': 'application/octet-stream',
          'content-disposition': 'attachment; filename="x"',
          'x-content-type-options': 'nosniff',
        })
        await expect(tab.evaluate(() => actions.image('/cse/x'))).rejects.toThrow()
      },
    )

    test('shows an image that is opened alone, and saves sound', async () => {
      await bucket.put('a.png', png(3, 2, [10, 200, 30]), { contentType: 'image/png' })
      await bucket.put('a.wav', wav(1), { contentType: 'audio/wav' })
      const opened = await context.newPage()
      await opened.goto(`${server.origin}/cse/a.png`)
      expect(await opened.evaluate(() => document.images[0]?.naturalWidth)).toBe(3)
      const download = await saved(() => tab.evaluate(() => actions.follow('/cse/a.wav')))
      expect(await download.failure()).toBeNull()
    })

    test('is not asked for objects by a page of another origin', async () => {
      await bucket.put('a.png', png(3, 2, [10, 200, 30]), { contentType: 'image/png' })
      const url = `${server.origin}/cse/a.png`
      const stranger = await context.newPage()
      await stranger.goto(server.origin.replace('localhost', '127.0.0.1'))
      server.transport.requests.length = 0
      await Promise.all([stranger.waitForURL(url), stranger.evaluate((to) => actions.follow(to), url)])
      expect(await stranger.textContent('body')).toBe('403 of another origin\n')
      expect(server.transport.requests).toEqual([])
    })

    test('does not run an object as a script', async () => {
      await bucket.put('x.js', 'document.title = "attacked"', { contentType: 'text/javascript' })
      const failed = await tab.evaluate(async () => {
        const script = document.createElement('script')
        script.src = '/cse/x.js'
        const ended = new Promise((resolve) => {
          script.onerror = () => resolve('refused')
          script.onload = () => resolve('run')
        })
        document.head.append(script)
        return [await ended, document.title]
      })
      expect(failed).toEqual(['refused', 'page'])
    })

    test('reads ranges, headers and errors as from a web server', async () => {
      await bucket.put('ö/a?b#c%2F', data)
      const url = await tab.evaluate(() => actions.decryptedUrl('ö/a?b#c%2F'))
      const range = async (value: string) => {
        const { status, headers, bytes } = await fetched(url, { range: value })
        return [status, headers['content-range'], bytes]
      }
      expect(await range('bytes=0-1')).toEqual([206, 'bytes 0-1/300000', [...data.subarray(0, 2)]])
      expect(await range('bytes=-3')).toEqual([206, 'bytes 299997-299999/300000', [...data.subarray(-3)]])
      expect((await range('bytes=300000-')).slice(0, 2)).toEqual([416, 'bytes */300000'])
      const head = await fetched(url, {}, 'HEAD')
      expect(head.headers).toMatchObject({ 'content-length': '300000', 'accept-ranges': 'bytes' })
      const { etag = '' } = head.headers
      expect((await fetched(url, { 'if-none-match': etag })).status).toBe(304)
      expect((await fetched(url, { range: 'bytes=0-1', 'if-range': '"other"' })).status).toBe(200)
      const missing = await fetched('/cse/missing')
      expect([missing.status, text(missing.bytes)]).toEqual([404, '404 ERR_CSE_NOT_FOUND\n'])
      expect((await fetched('/cse/')).status).toBe(404)
      expect((await fetched('/cse/%ff')).status).toBe(404)
      expect((await fetched(url, {}, 'POST')).status).toBe(405)
      expect(server.missed).toEqual([])
    })

    test('reads the new object after an open one was replaced', async () => {
      await bucket.put('a', data)
      const part = async () => (await fetched('/cse/a', { range: 'bytes=100-102' })).bytes
      expect(await part()).toEqual([...data.subarray(100, 103)])
      await bucket.put(
        'a',
        data.map((byte) => byte ^ 1),
      )
      expect(await part()).toEqual([...data.subarray(100, 103)].map((byte) => byte ^ 1))
    })
  })
})

function bucketOf(format: ContentFormat): CryptoBucket {
  return new CryptoBucket({ transport: server.transport, provider, format })
}

function text(bytes: readonly number[] | undefined): string {
  return new TextDecoder().decode(Uint8Array.from(bytes ?? []))
}
