// What users of other clients complain about. What the packages prove in a browser themselves is not repeated here: here is
// what the user of an app sees.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EXPOSED_HEADERS } from '@oss-cse/crypto-core/internal'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { startWebDrive } from '../server/start.js'
import { launchChromium } from './chromium.js'

const HOUR_MS = 3_600_000
/** Three parts. */
const large = Buffer.alloc(25 * 1024 * 1024, 'a line of a large file\n')

let browser
let directory

beforeAll(async () => {
  browser = await launchChromium()
  directory = await mkdtemp(join(tmpdir(), 'web-drive-'))
  await writeFile(join(directory, 'large.bin'), large)
  await writeFile(join(directory, 'a.txt'), 'a')
  await mkdir(join(directory, 'album/2026 夏'), { recursive: true })
  await writeFile(join(directory, 'album/cover.txt'), 'cover')
  await writeFile(join(directory, 'album/2026 夏/🏖.txt'), 'beach')
})

afterAll(async () => {
  await browser?.close()
  await rm(directory, { recursive: true, force: true })
})

const file = (name) => join(directory, name)

test('an upload that goes offline in the middle says so, and resumes', async () => {
  const { page, context, add, transfer, sentParts } = await signedIn()
  await context.route(/partNumber=3/, async (route) => {
    await context.setOffline(true)
    await route.abort('internetdisconnected')
  })
  await add(page, 'large.bin')
  await transfer(page, 'large.bin').and(page.locator('.failed')).waitFor()
  expect(await page.getByRole('alert').textContent()).toMatch(/offline.*ERR_CSE_NETWORK/)

  await context.unrouteAll()
  await context.setOffline(false)
  await page.getByRole('button', { name: 'Resume large.bin' }).click()
  await transfer(page, 'large.bin').getByText('of it earlier').waitFor()
  expect(sentParts()).toEqual([1, 2, 3])
  await expect.poll(() => page.getByRole('alert').textContent()).toBe('')
})

test('a second tab is told that another one uploads this file, and does not disturb it', async () => {
  const { page, context, url, add, transfer, sentParts } = await signedIn()
  const held = []
  await context.route(/partNumber=3/, (route) => held.push(route))
  await add(page, 'large.bin')
  await expect.poll(sentParts).toEqual([1, 2])
  const second = await context.newPage()
  await second.goto(url)
  await second.getByText('Drop files or folders here').waitFor()
  await add(second, 'large.bin')
  await expect.poll(() => second.getByRole('alert').textContent()).toContain('ERR_CSE_CHECKPOINT_IN_USE')

  await expect.poll(() => held.length).toBe(1)
  await held[0].continue()
  await transfer(page, 'large.bin')
    .getByText(/^stored/)
    .waitFor()
  expect(sentParts()).toEqual([1, 2, 3])
})

test('credentials that expire in the middle of an upload are renewed', async () => {
  const { page, context, drive, add, transfer, issued, sentParts } = await signedIn()
  const held = []
  await context.route(/partNumber=3/, (route) => (held.length === 0 ? held.push(route) : route.continue()))
  await add(page, 'large.bin')
  await expect.poll(sentParts).toEqual([1, 2])
  await expect.poll(() => held.length).toBe(1)
  const [first] = issued
  drive.emulator.addSecurityToken({ token: first, expiresAt: new Date(0) })
  await held[0].continue()
  await transfer(page, 'large.bin')
    .getByText(/^stored/)
    .waitFor()
  expect(refusedRequests(drive)).toBe(1)
  expect(issued.length).toBe(2)
  expect(sentParts()).toEqual([1, 2, 3])
})

test.each([HOUR_MS, -HOUR_MS])('a page whose clock is %d ms off stores and reads', async (offMs) => {
  const { page, add, transfer, drive, issued } = await signedIn({ offMs })
  await add(page, 'a.txt')
  await transfer(page, 'a.txt')
    .getByText(/^stored/)
    .waitFor()
  expect(refusedRequests(drive)).toBe(1)
  await page.getByRole('button', { name: 'Open: a.txt' }).click()
  await expect.poll(() => page.locator('dialog pre').textContent()).toBe('a')
  // Its age is told by the time of the service, so it is not asked for at each request.
  expect(issued.length).toBe(1)
})

test('a CORS rule that hides the ETag is named', async () => {
  const exposeHeaders = EXPOSED_HEADERS.filter((name) => name !== 'etag')
  const cors = [{ allowedOrigins: ['*'], exposeHeaders }]
  const { page, add } = await signedIn({ emulatorOptions: { cors } })
  await add(page, 'a.txt')
  await expect.poll(() => page.getByRole('alert').textContent()).toMatch(/etag.*CORS rule.*ExposeHeader/)
})

test('a folder keeps its paths', async () => {
  const { page, transfer, drive } = await signedIn()
  await page.locator('#folder').setInputFiles(file('album'))
  await stores(transfer, page, drive, ['album/cover.txt', 'album/2026 夏/🏖.txt'])
})

test('files and folders are dropped into the page', async () => {
  const { page, context, transfer, drive } = await signedIn()
  const { x, y, width, height } = await page.locator('#drop').boundingBox()
  const devTools = await context.newCDPSession(page)
  for (const type of ['dragEnter', 'dragOver', 'drop']) {
    await devTools.send('Input.dispatchDragEvent', {
      type,
      x: x + width / 2,
      y: y + height / 2,
      data: { items: [], files: [file('a.txt'), file('album')], dragOperationsMask: 1 },
    })
  }
  await stores(transfer, page, drive, ['a.txt', 'album/cover.txt', 'album/2026 夏/🏖.txt'])
})

/** Waits until these files are stored. */
async function stores(transfer, page, drive, names) {
  for (const name of names) {
    await transfer(page, name)
      .getByText(/^stored/)
      .waitFor()
    expect(await drive.emulator.getStoredObject('web-drive', `users/alice/${name}`)).toBeDefined()
  }
}

/** How many requests the bucket refused. */
function refusedRequests(drive) {
  return drive.emulator.requests.filter(({ status }) => status === 403).length
}

/** An app of its own for a test, with a page in which alice is signed in. `offMs`: how far the clock of the page is ahead. */
async function signedIn({ offMs, emulatorOptions } = {}) {
  const issued = []
  const around = (app) => async (request) => {
    const response = await app(request)
    if (request.url.endsWith('/sts')) issued.push((await response.clone().json()).securityToken)
    return response
  }
  const drive = await startWebDrive({ emulatorOptions, around })
  onTestFinished(() => drive.close())
  const context = await browser.newContext({ viewport: { width: 1200, height: 800 } })
  onTestFinished(() => context.close())
  const page = await context.newPage()
  if (offMs !== undefined) await page.clock.install({ time: Date.now() + offMs })
  await page.goto(drive.url)
  await page.getByRole('button', { name: 'alice' }).click()
  await page.getByText('Drop files or folders here').waitFor()
  return {
    drive,
    url: drive.url,
    context,
    page,
    /** The tokens that the server of the app gave out. */
    issued,
    add: (tab, name) => tab.locator('#files').setInputFiles(file(name)),
    transfer: (tab, name) => tab.locator('#transfer-list li', { hasText: name }),
    /** The numbers of the parts that the bucket got. */
    sentParts: () =>
      drive.emulator.requests
        .filter(({ method, status }) => method === 'PUT' && status === 200)
        .map(({ query }) => Number(new URLSearchParams(query).get('partNumber')))
        .filter((number) => number > 0)
        .sort(),
  }
}
