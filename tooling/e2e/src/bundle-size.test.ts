import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { expect, test } from 'vitest'

const CORE = ['@oss-cse/crypto-core', '@oss-cse/crypto-core/internal', '@oss-cse/crypto-core/digest-engine']

/** The size of what a page loads at first, minified and compressed, in bytes. Modules that it imports later do not count. */
async function pageBytes(code: string, external: string[] = []): Promise<number> {
  const { outputFiles, metafile } = await build({
    stdin: { contents: code, resolveDir: fileURLToPath(new URL('.', import.meta.url)) },
    bundle: true,
    splitting: true,
    outdir: 'page',
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    write: false,
    metafile: true,
    logLevel: 'error',
    external,
  })
  const loaded = new Set(Object.keys(metafile.outputs).filter((path) => path.endsWith('stdin.js')))
  for (const path of loaded) {
    for (const { path: imported, kind } of metafile.outputs[path]?.imports ?? []) {
      if (kind === 'import-statement' && Object.hasOwn(metafile.outputs, imported)) loaded.add(imported)
    }
  }
  const files = outputFiles.filter(({ path }) => [...loaded].some((name) => path.endsWith(name)))
  return files.reduce((sum, { contents }) => sum + gzipSync(contents, { level: 9 }).length, 0)
}

const TRANSPORT = `export { FetchTransport } from '@oss-cse/transport-fetch'`
const URLS = `export { FetchUrlTransport } from '@oss-cse/transport-fetch'`
const REMOTE = `export { RemoteProvider } from '@oss-cse/provider-remote'`
const BUCKET = `export { CryptoBucket } from '@oss-cse/bucket'
export { createWrappingProvider } from '@oss-cse/crypto-core'`

const FILES = `export { downloadFile, fileHandleTarget, IndexedDbCheckpointStore, opfsTarget, uploadFile } from '@oss-cse/bucket/web'`

// The limits are a little above the sizes. Raise one only for something that pages need.
test.each([
  ['the transport with its signatures, without the core', TRANSPORT, CORE, 8000],
  ['the transport for presigned URLs, without the core', URLS, CORE, 2400],
  ['the provider with a key server, and RSA, without the core', REMOTE, CORE, 5200],
  ['a bucket, the transport and a provider, with all that they need', `${BUCKET}\n${TRANSPORT}`, [], 68_000],
  ['the same, with files and checkpoints', `${BUCKET}\n${TRANSPORT}\n${FILES}`, [], 71_000],
])('a page loads no more than it needs: %s', async (_what, code, external, limitBytes) => {
  const bytes = await pageBytes(code, external)
  expect(bytes).toBeLessThanOrEqual(limitBytes)
})
