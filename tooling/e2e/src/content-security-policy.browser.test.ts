import { beforeAll, expect, test } from 'vitest'
import { commands } from 'vitest/browser'
import type { PageEmulator } from './browser-service.ts'

/** What a page saw. */
interface Outcome {
  /** The keys of the objects that it read differently from how it wrote them. */
  readonly differing?: readonly string[]
  readonly error?: string
  readonly workers: number
  readonly violations: readonly string[]
}

let emulator: PageEmulator
/** The Content Security Policy that docs/BROWSER_SECURITY.md recommends. */
let recommended: string

beforeAll(async () => {
  emulator = await commands.startEmulator({})
  const page = await (await fetch(new URL('../../../docs/BROWSER_SECURITY.md', import.meta.url))).text()
  const [, policy = ''] = /```text\nContent-Security-Policy:\s+([^`]+)```/.exec(page) ?? []
  recommended = policy
    .replaceAll(/\s+/g, ' ')
    .replace('https://my-bucket.oss-cn-hangzhou.aliyuncs.com', emulator.endpoint)
    // For the script below. The page of an app has all of its scripts in files.
    .replace("script-src 'self'", "script-src 'self' 'nonce-round-trip'")
})

/** Writes and reads objects in a page with a policy of its own. */
async function roundTripUnder(policy: string): Promise<Outcome> {
  const module = new URL('page-round-trip.ts', import.meta.url).href
  const frame = document.createElement('iframe')
  frame.srcdoc = `<!doctype html><meta http-equiv="Content-Security-Policy" content="${policy}">
    <script type="module" nonce="round-trip">
      // Vitest passes each import() of the sources to its own runner.
      globalThis.__vitest_browser_runner__ = { wrapDynamicImport: (load) => load() }
      const violations = []
      document.addEventListener('securitypolicyviolation', ({ effectiveDirective }) => violations.push(effectiveDirective))
      let workers = 0
      Worker = class extends Worker {
        constructor(...given) {
          super(...given)
          this.addEventListener('message', () => workers++, { once: true })
        }
      }
      let outcome
      try {
        const { roundTrip } = await import('${module}')
        outcome = { differing: await roundTrip(${JSON.stringify(emulator)}) }
      } catch (error) {
        outcome = { error: String(error) }
      }
      setTimeout(() => parent.postMessage({ ...outcome, workers, violations }, '*'))
    </script>`
  const outcome = new Promise<Outcome>((resolve) => {
    addEventListener('message', ({ source, data }) => {
      if (source === frame.contentWindow) resolve(data as Outcome)
    })
  })
  document.body.append(frame)
  try {
    return await outcome
  } finally {
    frame.remove()
  }
}

test('a page under the documented policy writes and reads encrypted objects, with a worker, and violates nothing', async () => {
  expect(recommended).toContain(`connect-src 'self' ${emulator.endpoint}; `)
  expect(await roundTripUnder(recommended)).toEqual({ differing: [], workers: 1, violations: [] })
})

test.each([
  ['trusted-types', 'trusted-types oss-cse', "trusted-types 'none'"],
  ['worker-src', "worker-src 'self' blob:", "worker-src 'self'"],
])(
  'under a policy whose %s does not allow the worker, a page does the same without it',
  async (directive, allows, denies) => {
    expect(recommended).toContain(allows)
    const outcome = await roundTripUnder(recommended.replace(allows, denies))
    expect(outcome).toEqual({ differing: [], workers: 0, violations: [directive] })
  },
)

test('a page whose connect-src lacks the bucket learns that something blocks the request', async () => {
  const policy = recommended.replace(` ${emulator.endpoint}`, '')
  expect(await roundTripUnder(policy)).toMatchObject({
    error: expect.stringContaining('something blocks the request'),
    violations: expect.arrayContaining(['connect-src']),
  })
})
