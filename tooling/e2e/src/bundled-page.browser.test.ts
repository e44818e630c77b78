import { beforeAll, expect, test } from 'vitest'
import { commands } from 'vitest/browser'
import type { BundledOutcome } from './bundled-page.ts'

let urls: Readonly<Record<string, string>>

beforeAll(async () => {
  urls = await commands.bundledPages()
})

async function outcomeOf(url: string | undefined): Promise<BundledOutcome> {
  const frame = document.createElement('iframe')
  const outcome = new Promise<BundledOutcome>((resolve) => {
    addEventListener('message', ({ source, data }) => {
      if (source === frame.contentWindow) resolve(data as BundledOutcome)
    })
  })
  frame.src = String(url)
  document.body.append(frame)
  try {
    return await outcome
  } finally {
    frame.remove()
  }
}

test.each(['esbuild', 'esbuild-split', 'esbuild-script', 'vite'])(
  'a page that %s bundled without settings has its workers: one for parts, and one for each download',
  async (bundler) => {
    expect(await outcomeOf(urls[bundler])).toEqual({ differing: [], workers: 3 })
  },
)
