import { beforeAll, expect, test } from 'vitest'
import { commands } from 'vitest/browser'
import type { PageEmulator } from './browser-service.ts'

/** What docs/BROWSER_SECURITY.md recommends: a Content Security Policy, and a Trusted Types policy as a script. */
interface Recommended {
  readonly policy: string
  readonly trustedTypes: string
}

/** What a page saw. */
interface Outcome {
  /** The keys of the objects that it read differently from how it wrote them. */
  readonly differing?: readonly string[]
  readonly error?: string
  readonly workers: number
  readonly violations: readonly string[]
}

let emulator: PageEmulator
let recommended: Recommended

beforeAll(async () => {
  emulator = await commands.startEmulator({})
  const page = await (await fetch(new URL('../../../docs/BROWSER_SECURITY.md', import.meta.url))).text()
  const [, policy = ''] = /```text\nContent-Security-Policy:\s+([^`]+)```/.exec(page) ?? []
  const [, trustedTypes = ''] = /```js\n(\s*trustedTypes[\s\S]+?)```/.exec(page) ?? []
  recommended = {
    policy: policy
      .replaceAll(/\s+/g, ' ')
      .replace('https://my-bucket.oss-cn-hangzhou.aliyuncs.com', emulator.endpoint)
      // For the script below. The page of an app has all of its scripts in files.
      .replace("script-src 'self'", "script-src 'self' 'nonce-round-trip'"),
    trustedTypes,
  }
})

/** Writes and reads objects in a page with policies of its own. */
async function roundTripUnder({ policy, trustedTypes }: Recommended): Promise<Outcome> {
  const module = new URL('page-round-trip.ts', import.meta.url).href
  const frame = document.createElement('iframe')
  frame.srcdoc = `<!doctype html><meta http-equiv="Content-Security-Policy" content="${policy}">
    <script type="module" nonce="round-trip">
      ${trustedTypes}
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

test('a page under the documented policies writes and reads encrypted objects, with a worker, and violates nothing', async () => {
  expect(recommended.policy).toContain(`connect-src 'self' ${emulator.endpoint}; `)
  expect(await roundTripUnder(recommended)).toEqual({ differing: [], workers: 1, violations: [] })
})

test.each([
  ['a Trusted Types policy', 'require-trusted-types-for', ({ policy }: Recommended) => [policy, '']],
  [
    'worker-src blob:',
    'worker-src',
    (given: Recommended) => [
      given.policy.replace("worker-src 'self' blob:", "worker-src 'self'"),
      given.trustedTypes,
    ],
  ],
])('without %s, a page does the same without the worker', async (_what, directive, changed) => {
  const [policy = '', trustedTypes = ''] = changed(recommended)
  const outcome = await roundTripUnder({ policy, trustedTypes })
  expect(outcome).toEqual({ differing: [], workers: 0, violations: [directive] })
})

test('a page whose connect-src lacks the bucket learns that something blocks the request', async () => {
  const policy = recommended.policy.replace(` ${emulator.endpoint}`, '')
  expect(await roundTripUnder({ ...recommended, policy })).toMatchObject({
    error: expect.stringContaining('something blocks the request'),
    violations: expect.arrayContaining(['connect-src']),
  })
})
