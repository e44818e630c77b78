import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { startWebDrive } from '../server/start.js'
import { rules } from './in-firefox/rules.js'
import { firefoxPath, startFirefox } from './start-firefox.js'

/** Only ends what hangs. All rules share it: after one that hangs no other can run. */
const DEADLINE_MS = 10 * 60_000
/** Three parts. */
const large = Buffer.alloc(25 * 1024 * 1024, 'a line of a large file\n')

if (firefoxPath() === undefined && process.env.CI === undefined) {
  console.warn('Skipped: the tests in Firefox. Firefox is not installed: there is no firefox-esr.')
  describe.skip('in Firefox', () => test('needs firefox-esr', () => {}))
} else {
  describe('in Firefox', { timeout: 2 * DEADLINE_MS }, inFirefox)
}

function inFirefox() {
  const results = new Map(rules.map(({ name }) => [name, Promise.withResolvers()]))
  let drive
  let firefox
  let failed

  beforeAll(async () => {
    if (firefoxPath() === undefined) throw new Error('No Firefox: install firefox-esr, or set FIREFOX_PATH.')
    drive = await startWebDrive({ around })
    firefox = await startFirefox(drive.url)
    const overdue = once(AbortSignal.timeout(DEADLINE_MS), 'abort').then(() => {
      throw new Error(`Firefox did not send this result:\n${firefox.output()}`)
    })
    failed = Promise.race([firefox.ended, overdue])
  })

  afterAll(async () => {
    await firefox?.close()
    await drive?.close()
  })

  for (const { name } of rules) {
    test(name, async () => {
      expect(await Promise.race([results.get(name).promise, failed])).toBe('')
    })
  }

  /** The app, whose page also runs the rules, and what the rules ask for. */
  function around(app) {
    return async (request) => {
      const { pathname, search } = new URL(request.url)
      if (pathname === '/') return withRules(await app(request))
      const answer = Object.hasOwn(answers, pathname) ? answers[pathname] : undefined
      return answer === undefined ? app(request) : answer(decodeURIComponent(search.slice(1)), request)
    }
  }

  const answers = {
    '/test/run.js': () => script('run.js'),
    '/test/rules.js': () => script('rules.js'),
    '/test/film': async () => new Response(await readFile(join(import.meta.dirname, 'fixtures/film.webm'))),
    '/test/large': () => new Response(large),
    '/test/stored-as': async (key) => {
      const { headers } = await drive.emulator.getStoredObject('web-drive', key)
      return new Response(headers['x-oss-meta-client-side-encryption-cek-alg'])
    },
    '/test/hold-parts': () => {
      drive.emulator.injectFault({ kind: 'stall', method: 'PUT', partNumber: 3, count: Infinity })
      return new Response()
    },
    '/test/release-parts': () => {
      drive.emulator.clearFaults()
      return new Response()
    },
    '/test/two-parts-are-sent': async () => {
      await vi.waitUntil(() => sentParts().length === 2, { timeout: DEADLINE_MS })
      return new Response()
    },
    '/test/sent-parts': () => new Response(sentParts().join()),
    '/test/downloaded': async () => {
      const path = join(firefox.downloads, 'large.bin')
      await vi.waitUntil(async () => (await readFile(path).catch(() => '')).length === large.length, {
        timeout: DEADLINE_MS,
      })
      return new Response((await readFile(path)).equals(large) ? 'equal' : 'different')
    },
    '/test/result': async (_, request) => {
      const { name, error } = await request.json()
      results.get(name).resolve(error)
      return new Response()
    },
  }

  function sentParts() {
    return drive.emulator.requests
      .filter(({ method, status }) => method === 'PUT' && status === 200)
      .map(({ query }) => Number(new URLSearchParams(query).get('partNumber')))
      .filter((number) => number > 0)
      .sort()
  }
}

async function withRules(response) {
  const html = await response.text()
  const { headers } = response
  return new Response(html.replace('</head>', '<script type="module" src="/test/run.js"></script></head>'), {
    headers,
  })
}

async function script(name) {
  const source = await readFile(join(import.meta.dirname, 'in-firefox', name))
  return new Response(source, { headers: { 'content-type': 'text/javascript' } })
}
