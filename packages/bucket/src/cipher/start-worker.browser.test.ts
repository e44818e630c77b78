import { MemoryTransport } from '@oss-cse/crypto-core/testing'
import { afterEach, describe, expect, test } from 'vitest'
import { difference, pattern } from '../../test/bytes.ts'
import { memoryBucket } from '../../test/memory-bucket.ts'
import { openPage } from '../../test/page.ts'

const data = pattern(3 * 1024 ** 2)

afterEach(() => {
  document.body.replaceChildren()
})

describe('a worker', () => {
  test.each([
    '',
    "worker-src blob:; default-src *; script-src * 'unsafe-inline'",
    "require-trusted-types-for 'script'",
    "require-trusted-types-for 'script'; trusted-types oss-cse",
  ])('starts in a page with the policy "%s", more than once', async (policy) => {
    const { modules } = await openPage(policy)
    for (let started = 0; started < 2; started++) {
      const worker = await modules.startWorker("postMessage('ready')")
      worker.terminate()
    }
  })

  test.each([
    "worker-src 'self'",
    "worker-src 'none'",
    "require-trusted-types-for 'script'; trusted-types 'none'",
  ])('does not start in a page with the policy "%s", and a file is uploaded without it', async (policy) => {
    const { modules } = await openPage(policy)
    await expect(modules.startWorker("postMessage('ready')")).rejects.toBeDefined()
    const transport = new MemoryTransport()
    const bucket = new modules.CryptoBucket({ transport, provider: modules.createTestProvider() })
    const file = new File([Uint8Array.from(data)], 'file')
    await modules.uploadFile(bucket, 'a', file, { multipartThresholdBytes: 1, partSizeBytes: 1024 ** 2 })
    expect(difference(await memoryBucket({ transport }).bucket.getBytes('a'), data)).toBeUndefined()
  })

  test('whose text is no script does not start', async () => {
    const { modules } = await openPage()
    await expect(modules.startWorker('throw 1')).rejects.toBeDefined()
    await expect(modules.startWorker('(')).rejects.toBeDefined()
  })
})
