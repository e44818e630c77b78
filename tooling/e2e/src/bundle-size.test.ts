import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { expect, test } from 'vitest'

const CORE = ['@oss-cse/crypto-core', '@oss-cse/crypto-core/internal']

/** The size of what a page loads, minified and compressed, in bytes. */
async function pageBytes(code: string, external: string[] = []): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents: code, resolveDir: fileURLToPath(new URL('.', import.meta.url)) },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    write: false,
    logLevel: 'error',
    external,
  })
  return gzipSync(outputFiles[0]?.contents ?? '', { level: 9 }).length
}

const TRANSPORT = `export { FetchTransport } from '@oss-cse/transport-fetch'`
const URLS = `export { FetchUrlTransport } from '@oss-cse/transport-fetch'`
const BUCKET = `export { CryptoBucket } from '@oss-cse/bucket'
export { createWrappingProvider } from '@oss-cse/crypto-core'`

// The limits are a little above the sizes. Raise one only for something that pages need.
test.each([
  ['the transport with its signatures, without the core', TRANSPORT, CORE, 8300],
  ['the transport for presigned URLs, without the core', URLS, CORE, 2400],
  ['a bucket, the transport and a provider, with all that they need', `${BUCKET}\n${TRANSPORT}`, [], 67_000],
])('a page loads no more than it needs: %s', async (_what, code, external, limitBytes) => {
  const bytes = await pageBytes(code, external)
  expect(bytes).toBeLessThanOrEqual(limitBytes)
  expect(bytes).toBeGreaterThan(limitBytes * 0.9)
})
