import { expect, test } from 'vitest'
import { createCrc64 } from '../src/crc64.ts'

const LETTER = 'a letter '.repeat(10_000)

/** What a page saw of WebAssembly, and its checksum of the letter. */
interface Report {
  readonly kernels: readonly ('compiled' | 'forbidden')[]
  readonly violations: readonly string[]
  readonly checksum: string
}

/** Computes a checksum in a page with a policy of its own. */
async function checksumUnder(policy: string): Promise<Report> {
  const crc64 = new URL('../src/crc64.ts', import.meta.url).href
  const frame = document.createElement('iframe')
  frame.srcdoc = `<!doctype html><meta http-equiv="Content-Security-Policy" content="${policy}">
    <script type="module" nonce="probe">
      const kernels = []
      const violations = []
      document.addEventListener('securitypolicyviolation', (event) => violations.push(event.blockedURI))
      WebAssembly.Module = new Proxy(WebAssembly.Module, {
        construct(target, given) {
          try {
            const module = new target(...given)
            kernels.push('compiled')
            return module
          } catch (error) {
            kernels.push('forbidden')
            throw error
          }
        },
      })
      const { createCrc64 } = await import('${crc64}')
      const crc = createCrc64()
      crc.update(new TextEncoder().encode('${LETTER}'))
      const checksum = String(crc.value())
      setTimeout(() => parent.postMessage({ kernels, violations, checksum }, '*'))
    </script>`
  const report = new Promise<Report>((resolve) => {
    addEventListener('message', ({ source, data }) => {
      if (source === frame.contentWindow) resolve(data as Report)
    })
  })
  document.body.append(frame)
  try {
    return await report
  } finally {
    frame.remove()
  }
}

test.each([
  ['compiles its kernel where the policy allows WebAssembly', " 'wasm-unsafe-eval'", ['compiled'], []],
  ['falls back to JavaScript where the policy forbids it', '', ['forbidden'], ['wasm-eval']],
])('the checksum %s, and its value is the same', async (_what, allowed, kernels, violations) => {
  const crc = createCrc64()
  crc.update(new TextEncoder().encode(LETTER))
  const policy = `default-src 'none'; script-src 'self' 'nonce-probe'${allowed}`
  expect(await checksumUnder(policy)).toEqual({ kernels, violations, checksum: String(crc.value()) })
})
