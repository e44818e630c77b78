import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { BUNDLERS } from './bundles.ts'

// The limits are a little above the sizes. Raise one only for something that a worker or a page needs.
test.each([
  ['a worker with a bucket, a provider and a transport', 'sw-oss.ts', 56_000],
  ['the same with a transport that only tests have', 'sw.ts', 42_500],
])('%s is loaded in one file that is not larger than needed', async (_what, entry, limitBytes) => {
  const bundle = await BUNDLERS.esbuild(entry, { minify: true })
  const bytes = gzipSync(bundle, { level: 9 }).length
  expect(bytes).toBeLessThanOrEqual(limitBytes)
  expect(bytes).toBeGreaterThan(limitBytes * 0.7)
})

test('a page that keeps a master key gets no cipher of objects', async () => {
  const bundle = await BUNDLERS.esbuild('page.ts', { minify: true })
  expect(gzipSync(bundle, { level: 9 }).length).toBeLessThan(5000)
})
