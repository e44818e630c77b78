import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { startWebDrive } from '../server/start.js'
import { launchChromium } from './chromium.js'

const film = join(import.meta.dirname, 'fixtures/film.webm')
/** Three parts. */
const large = Buffer.alloc(25 * 1024 * 1024, 'a line of a large file\n')
const text = 'Notes that nobody else may read. '.repeat(20)
/** One red pixel. */
const pixel =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=='

let browser
let directory
let drive
let page
let errors

beforeAll(async () => {
  browser = await launchChromium()
  directory = await mkdtemp(join(tmpdir(), 'web-drive-'))
  await writeFile(join(directory, 'large.bin'), large)
  await writeFile(join(directory, 'notes 笔记 📝.txt'), text)
  await writeFile(join(directory, 'empty.txt'), '')
  await writeFile(join(directory, 'pixel.png'), Buffer.from(pixel, 'base64'))
})

afterAll(async () => {
  await browser?.close()
  await rm(directory, { recursive: true, force: true })
})

beforeEach(async () => {
  drive = await startWebDrive()
  const context = await browser.newContext({ viewport: { width: 1200, height: 800 } })
  page = await context.newPage()
  errors = []
  page.on('pageerror', (error) => errors.push(error.message))
  await page.goto(drive.url)
})

afterEach(async () => {
  await page.context().close()
  await drive.close()
  expect(errors).toEqual([])
})

const file = (name) => join(directory, name)
const upload = (name) => page.locator('#transfer-list li', { hasText: name })
const act = (action, name) => page.getByRole('button', { name: `${action}: ${name}` }).click()
const alert = () => page.getByRole('alert')
const stored = (key) => drive.emulator.getStoredObject('web-drive', key)

/** Takes a picture for the README, when they are asked for. */
async function picture(name, colorScheme = 'light') {
  if (process.env.PICTURES === undefined) return
  await page.emulateMedia({ colorScheme })
  await page.screenshot({ path: join(import.meta.dirname, `../pictures/${name}.png`) })
}

async function signIn(user) {
  await page.getByRole('button', { name: user }).click()
  await page.getByText('Drop files or folders here').waitFor()
}

async function add(...paths) {
  await page.locator('#files').setInputFiles(paths)
}

/** Uploads files, and waits until all are stored. */
async function store(...paths) {
  await add(...paths)
  for (const path of paths)
    await upload(path.split('/').at(-1))
      .getByText(/^stored/)
      .waitFor()
}

/** Keeps the requests for all parts but the first two from being answered. */
async function holdParts() {
  await page.context().route(/partNumber=[3-9]/, () => {})
}

test('files are stored encrypted, and come back with any name and size', async () => {
  await signIn('alice')
  await store(file('notes 笔记 📝.txt'), file('empty.txt'))
  const { bytes, headers } = await stored('users/alice/notes 笔记 📝.txt')
  expect(bytes.includes('Notes')).toBe(false)
  expect(headers['x-oss-meta-client-side-encryption-cek-alg']).toBe('AES256_GCM_HKDF_64KB')

  await act('Open', 'notes')
  await expect.poll(() => page.locator('dialog pre').textContent()).toBe(text)
  await page.keyboard.press('Escape')
  await act('Open', 'empty.txt')
  await expect.poll(() => page.locator('dialog pre').textContent()).toBe('')
})

test('a reload in the middle of an upload loses nothing that was sent', async () => {
  await signIn('alice')
  await store(film, file('notes 笔记 📝.txt'))
  await holdParts()
  await add(file('large.bin'))
  await expect.poll(() => sentParts()).toEqual([1, 2])
  await picture('upload')
  await page.reload()
  await upload('large.bin').getByText('choose this file again').waitFor()

  await page.context().unrouteAll()
  await store(file('large.bin'))
  expect(await upload('large.bin').locator('.state').textContent()).toContain('of it earlier')
  expect(await sentParts()).toEqual([1, 2, 3])
})

test('an upload is paused and resumed', async () => {
  await signIn('alice')
  await holdParts()
  await add(file('large.bin'))
  await expect.poll(() => sentParts()).toEqual([1, 2])
  await page.getByRole('button', { name: 'Pause large.bin' }).click()
  await upload('large.bin')
    .getByText(/^paused/)
    .waitFor()

  await page.context().unrouteAll()
  await page.getByRole('button', { name: 'Resume large.bin' }).click()
  await upload('large.bin').getByText('of it earlier').waitFor()
  expect(await sentParts()).toEqual([1, 2, 3])
})

test('a film plays from any place, also after the browser stopped the service worker', async () => {
  await signIn('alice')
  await store(film)
  await act('Open', 'film.webm')
  const video = page.locator('video')
  await expect.poll(() => video.evaluate(({ duration }) => Math.round(duration))).toBe(20)
  const seek = (seconds) =>
    video.evaluate(
      (element, time) =>
        new Promise((resolve, reject) => {
          element.onseeked = () => resolve(element.currentTime)
          element.onerror = () => reject(new Error(element.error.message))
          element.currentTime = time
        }),
      seconds,
    )
  expect(await seek(15)).toBe(15)
  await expect.poll(() => video.evaluate(({ readyState }) => readyState)).toBe(4)
  await picture('film', 'dark')
  const devTools = await page.context().newCDPSession(page)
  await devTools.send('ServiceWorker.enable')
  await devTools.send('ServiceWorker.stopAllWorkers')
  expect(await seek(3)).toBe(3)
})

test('an image is shown', async () => {
  await signIn('alice')
  await store(file('pixel.png'))
  await act('Open', 'pixel.png')
  await expect.poll(() => page.locator('dialog img').evaluate((image) => image.naturalWidth)).toBe(1)
})

test('a download has the bytes of the file', async () => {
  await signIn('alice')
  await store(file('large.bin'))
  const downloading = page.waitForEvent('download')
  await act('Download', 'large.bin')
  const download = await downloading
  expect(download.suggestedFilename()).toBe('large.bin')
  expect((await readFile(await download.path())).equals(large)).toBe(true)
})

test('another user gets the ciphertext at most', async () => {
  await signIn('alice')
  await store(file('notes 笔记 📝.txt'))
  await page.getByRole('button', { name: 'Sign out' }).click()
  await signIn('bob')
  await page.getByText('No files yet.').waitFor()
  await page.getByLabel('Show the files of all users').check()
  await act('Open', 'notes')
  await expect.poll(() => alert().textContent()).toContain('This file belongs to alice.')
  await act('Compare', 'notes')
  await page.locator('dialog').waitFor()
  const [yours, theirs] = await page.locator('dialog pre').allTextContents()
  expect(yours).not.toContain('Notes')
  expect(theirs).toMatch(/^0000 {2}[0-9a-f]{2} /)
})

test('a server that signs gives a page no access to the objects of others', async () => {
  await signIn('alice')
  await page.getByLabel('Signed by').selectOption('sign')
  await page.getByText('Drop files or folders here').waitFor()
  await store(file('notes 笔记 📝.txt'), file('large.bin'))
  await act('Open', 'notes')
  await expect.poll(() => page.locator('dialog pre').textContent()).toBe(text)
  await page.keyboard.press('Escape')

  await page.getByRole('button', { name: 'Sign out' }).click()
  await signIn('bob')
  await page.getByLabel('Show the files of all users').check()
  await act('Compare', 'notes')
  await expect.poll(() => alert().textContent()).not.toBe('')
  expect(await page.locator('dialog').isVisible()).toBe(false)
})

test('an altered file is not shown', async () => {
  await signIn('alice')
  await store(file('notes 笔记 📝.txt'))
  const key = 'users/alice/notes 笔记 📝.txt'
  const { bytes } = await stored(key)
  const altered = Uint8Array.from(bytes)
  altered[100] ^= 1
  await drive.emulator.putStoredObject('web-drive', key, { bytes: altered })
  await act('Open', 'notes')
  await expect.poll(() => alert().textContent()).toContain('ERR_CSE_AUTHENTICATION_FAILED')
  expect(await page.locator('dialog').isVisible()).toBe(false)
})

test('a comparison shows both sides and the envelope', async () => {
  await signIn('alice')
  await store(film, file('notes 笔记 📝.txt'))
  await act('Compare', 'notes')
  await page.locator('dialog').waitFor()
  const [yours, theirs] = await page.locator('dialog pre').allTextContents()
  expect(yours).toContain('Notes that nobod')
  expect(theirs).not.toContain('Notes')
  await page.getByRole('rowheader', { name: 'wrap-alg' }).waitFor()
  await picture('comparison')
})

test('a file is deleted after a question', async () => {
  await signIn('alice')
  await store(file('empty.txt'))
  page.once('dialog', (dialog) => dialog.accept())
  await act('Delete', 'empty.txt')
  await page.getByText('No files yet.').waitFor()
  expect(await stored('users/alice/empty.txt')).toBeUndefined()
})

test('the keyboard is enough', async () => {
  await page.getByRole('button', { name: 'alice' }).waitFor()
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await page.getByText('Drop files or folders here').waitFor()
  await store(file('notes 笔记 📝.txt'))
  await page.getByRole('button', { name: 'Open: notes' }).focus()
  await page.keyboard.press('Enter')
  await expect.poll(() => page.locator('dialog pre').textContent()).toBe(text)
  await page.keyboard.press('Escape')
  expect(await page.locator('dialog').isVisible()).toBe(false)
})

/** The numbers of the parts that the bucket got. */
async function sentParts() {
  return drive.emulator.requests
    .filter(({ method, status }) => method === 'PUT' && status === 200)
    .map(({ query }) => Number(new URLSearchParams(query).get('partNumber')))
    .filter((number) => number > 0)
    .sort()
}
