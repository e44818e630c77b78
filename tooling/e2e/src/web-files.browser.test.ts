import { CryptoBucket } from '@oss-cse/bucket'
import { createTestProvider } from '@oss-cse/crypto-core/testing'
import { FetchTransport } from '@oss-cse/transport-fetch'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { commands } from 'vitest/browser'
import type { PageEmulator } from './browser-service.ts'
import type { FilesPage, filesPage } from './web-files-page.ts'

const MIB = 1024 ** 2
// Large enough for the worker that writes files.
const bytes = new Uint8Array(9 * MIB + 5).map((_, index) => index ^ (index >> 8))
let emulator: PageEmulator

beforeEach(async () => {
  emulator = await commands.startEmulator({})
})
afterEach(() => {
  document.body.replaceChildren()
})

function bucketOf({ accessKeyId, accessKeySecret, ...address }: PageEmulator): CryptoBucket {
  const credentials = { getCredential: async () => ({ accessKeyId, accessKeySecret }) }
  return new CryptoBucket({
    transport: new FetchTransport({ ...address, credentials }),
    provider: createTestProvider(),
  })
}

/** A page in a frame. */
class Page {
  readonly #frame = document.createElement('iframe')
  readonly #options: Parameters<typeof filesPage>
  #files: Promise<FilesPage> | undefined

  constructor(options: { readonly encryptOnly: boolean }) {
    this.#options = [emulator, options.encryptOnly]
    const module = new URL('web-files-page.ts', import.meta.url).href
    this.#load()
    this.#frame.srcdoc = `<script type="module">
      // Vitest passes each import() of the sources to its own runner.
      globalThis.__vitest_browser_runner__ = { wrapDynamicImport: (load) => load() }
      const { filesPage } = await import('${module}')
      frameElement.loaded(filesPage)
    </script>`
    document.body.append(this.#frame)
  }

  get files(): Promise<FilesPage> {
    return this.#files as Promise<FilesPage>
  }

  /** Loads the page again, as a user does. */
  reload(): void {
    this.#load()
    this.#frame.contentWindow?.location.reload()
  }

  close(): void {
    this.#frame.remove()
  }

  #load(): void {
    this.#files = new Promise((resolve) => {
      Object.assign(this.#frame, {
        loaded: (make: typeof filesPage) => resolve(make(...this.#options)),
      })
    })
  }
}

/** Waits until the emulator got so many PUTs. */
async function sentParts(count: number): Promise<void> {
  const parts = async (): Promise<number> =>
    (await commands.sentRequests(emulator.endpoint)).filter((request) => request.startsWith('PUT')).length
  await expect.poll(parts).toBe(count)
}

const file = (): File => new File([bytes], 'holiday.mp4', { lastModified: 1 })

async function isStored(key: string): Promise<boolean> {
  const read = await bucketOf(emulator).getBytes(key)
  return read.length === bytes.length && read.every((byte, index) => byte === bytes[index])
}

test.each([
  ['with a key that unwraps', false],
  ['with a public key alone', true],
])(
  'a page %s that is reloaded in mid-upload resumes it, and so does the next tab',
  async (_what, encryptOnly) => {
    const page = new Page({ encryptOnly })
    await commands.injectFault(emulator.endpoint, { kind: 'stall', method: 'PUT', partNumber: 4 })
    void (await page.files).upload('a', file()).catch(() => {})
    await sentParts(4)
    page.reload()
    const reloaded = await page.files
    await commands.injectFault(emulator.endpoint, { kind: 'stall', method: 'PUT', partNumber: 7 })
    void reloaded.upload('a', file()).catch(() => {})
    await sentParts(8)
    page.close()
    const next = new Page({ encryptOnly })
    const { resumedBytes } = await (await next.files).upload('a', file())
    expect(resumedBytes).toBe(6 * MIB)
    expect(await isStored('a')).toBe(true)
  },
)

test('a page that is closed in mid-download leaves a download that the next one resumes', async () => {
  await bucketOf(emulator).put('a', bytes)
  const path = ['films', 'holiday.mp4']
  const page = new Page({ encryptOnly: false })
  const files = await page.files
  await new Promise<void>((resolve) => {
    const close = (loaded: number): void => {
      if (loaded < 4 * MIB) return
      page.close()
      resolve()
    }
    files.download('a', path, close).catch(() => {})
  })
  const next = new Page({ encryptOnly: false })
  const { resumedBytes } = await (await next.files).download('a', path)
  expect(resumedBytes).toBeGreaterThanOrEqual(3 * MIB)
  const root = await navigator.storage.getDirectory()
  const handle = await (await root.getDirectoryHandle('films')).getFileHandle('holiday.mp4')
  const read = new Uint8Array(await (await handle.getFile()).arrayBuffer())
  expect(read.length === bytes.length && read.every((byte, index) => byte === bytes[index])).toBe(true)
})
