import { readFile } from 'node:fs/promises'
import { CryptoBucket } from '@oss-cse/bucket'
import type { ContentFormat } from '@oss-cse/crypto-core'
import { type OssEmulator, startOssEmulator } from '@oss-cse/oss-emulator'
import { createWebAesProvider, importWebAesKey } from '@oss-cse/provider-web'
import { FetchTransport } from '@oss-cse/transport-fetch'
import type { Browser, BrowserContext, Page } from 'playwright'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { BUNDLERS } from './bundles.ts'
import { launchBrowser, PAGE_HTML } from './launch-browser.ts'
import { wav } from './media.ts'
import { type ObjectServer, startObjectServer } from './object-server.ts'
import type { Actions } from './pages/page.ts'

declare const actions: Actions

const rawKey = [...crypto.getRandomValues(new Uint8Array(32))]
const sound = wav(30)

let browser: Browser
let app: ObjectServer
let emulator: OssEmulator
let context: BrowserContext
let tab: Page

beforeAll(async () => {
  browser = await launchBrowser()
  app = await startObjectServer()
  emulator = await startOssEmulator({ cors: [{ allowedOrigins: ['*'] }] })
  const { endpoint, region, buckets } = emulator
  serve('/', 'text/html', PAGE_HTML)
  serve('/page.js', 'text/javascript', await BUNDLERS.esbuild('page.ts'))
  serve('/sw.js', 'text/javascript', await BUNDLERS.esbuild('sw-oss.ts'))
  serve('/settings.json', 'application/json', JSON.stringify({ endpoint, region, bucket: buckets[0] }))
  for (const format of ['aes-ctr', 'sealed'] as const) {
    await (await bucketOf(format)).put(`${format}/sound.wav`, sound, { contentType: 'audio/wav' })
    await (await bucketOf(format)).put(`${format}/page.html`, '<p>text</p>'.repeat(1000), {
      contentType: 'text/html',
    })
  }
  serveToken('first')
  context = await browser.newContext()
  tab = await context.newPage()
  await tab.goto(`${app.origin}/`)
  await tab.evaluate((raw) => actions.signIn(raw), rawKey)
})

afterAll(async () => {
  await browser.close()
  await app.close()
  await emulator.close()
})

function serve(path: string, type: string, text: string): void {
  app.files.set(path, { type, text })
}

/** What the server of the app returns to its signed-in user from now on. */
function serveToken(token: string): void {
  emulator.addSecurityToken({ token })
  const { accessKeyId, accessKeySecret } = emulator
  const expiration = new Date(Date.now() + 3_600_000).toISOString()
  const credentials = { accessKeyId, accessKeySecret, securityToken: token, expiration }
  serve('/sts.json', 'application/json', JSON.stringify(credentials))
}

async function bucketOf(format: ContentFormat): Promise<CryptoBucket> {
  const { endpoint, region, buckets, accessKeyId, accessKeySecret } = emulator
  const [bucket = ''] = buckets
  const credentials = { getCredential: async () => ({ accessKeyId, accessKeySecret }) }
  const key = await importWebAesKey(Uint8Array.from(rawKey))
  const transport = new FetchTransport({ endpoint, region, bucket, credentials })
  return new CryptoBucket({ transport, provider: await createWebAesProvider(key), format })
}

async function stopWorkers(): Promise<void> {
  const session = await context.newCDPSession(tab)
  await session.send('ServiceWorker.enable')
  await session.send('ServiceWorker.stopAllWorkers')
  await session.detach()
}

test.each(['aes-ctr', 'sealed'])('a page plays an object of OSS, and seeks in it: %s', async (format) => {
  const play = (key: string) => tab.evaluate((key) => actions.openMedia(actions.decryptedUrl(key)), key)
  const seek = (seconds: number) => tab.evaluate((to) => actions.seek(to), seconds)
  expect(await play(`${format}/sound.wav`)).toBeCloseTo(30)
  expect(await seek(20)).toBeCloseTo(20)
  // The worker has lost its credentials when it starts again, and the old ones are not valid any more.
  emulator.addSecurityToken({ token: 'first', expiresAt: new Date(0) })
  serveToken('second')
  await stopWorkers()
  expect(await seek(5)).toBeCloseTo(5)
  expect(await seek(28)).toBeCloseTo(28)
})

test('a token that expires while the worker runs is replaced', async () => {
  serveToken('third')
  await stopWorkers()
  const status = () =>
    tab.evaluate(
      async () => (await fetch('/cse/aes-ctr/sound.wav', { headers: { range: 'bytes=0-9' } })).status,
    )
  expect(await status()).toBe(206)
  emulator.addSecurityToken({ token: 'third', expiresAt: new Date(0) })
  serveToken('fourth')
  expect(await status()).toBe(206)
})

test.each(['aes-ctr/sound.wav', 'sealed/sound.wav', 'aes-ctr/page.html', 'sealed/page.html'])(
  'a page saves %s, although the service compresses texts',
  async (key) => {
    const url = await tab.evaluate((key) => actions.decryptedUrl(key, { downloadName: 'saved' }), key)
    const [download] = await Promise.all([
      tab.waitForEvent('download'),
      tab.evaluate((to) => actions.follow(to), url),
    ])
    expect(await download.failure()).toBeNull()
    const saved = await readFile(await download.path())
    const expected = key.endsWith('.wav') ? sound : Buffer.from('<p>text</p>'.repeat(1000))
    expect(Buffer.compare(saved, expected)).toBe(0)
  },
)

test('a missing object, and one that is not encrypted, are errors', async () => {
  const [bucket = ''] = emulator.buckets
  await emulator.putStoredObject(bucket, 'plain', { bytes: new Uint8Array(10) })
  const text = (url: string) => tab.evaluate(async (url) => (await fetch(url)).text(), url)
  expect(await text('/cse/missing')).toBe('404 ERR_CSE_NOT_FOUND\n')
  expect(await text('/cse/plain')).toBe('502 ERR_CSE_NOT_ENCRYPTED\n')
})
