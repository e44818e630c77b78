import type { CryptoBucket } from '@oss-cse/bucket'
import type { OssEmulator } from '@oss-cse/oss-emulator'
import { expect, test } from 'vitest'
import { bucketOf, random, withEmulator } from './emulated-bucket.ts'

const bytes = random(400_000)

async function pendingUploads(bucket: CryptoBucket): Promise<number> {
  const uploads: unknown[] = []
  for await (const upload of bucket.listUploads()) uploads.push(upload)
  return uploads.length
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}

async function requested(emulator: OssEmulator, method: string): Promise<void> {
  while (!emulator.requests.some((request) => request.method === method)) await turns(1)
}

test('of uploads that are aborted at any moment of their beginning none is left on the service', () =>
  withEmulator(async (emulator) => {
    const bucket = bucketOf(emulator)
    for (let moment = 0; moment < 40; moment++) {
      const controller = new AbortController()
      const { signal } = controller
      const upload = bucket.upload('a', bytes, { multipartThresholdBytes: 1, partSizeBytes: 102_400, signal })
      upload.catch(() => {})
      await turns(moment)
      controller.abort()
      await upload.catch(() => {})
      await bucket.settled()
      expect(await pendingUploads(bucket)).toBe(0)
    }
  }))

test('of twenty uploads that are aborted while the service answers their beginning none is left', () =>
  withEmulator(async (emulator) => {
    const bucket = bucketOf(emulator)
    for (let round = 0; round < 20; round++) {
      emulator.resetRequests()
      emulator.injectFault({ method: 'POST', kind: 'slow', delayMs: 5 })
      const controller = new AbortController()
      const { signal } = controller
      const begun = bucket.initiateMultipartUpload('a', { sizeBytes: 200_000, signal })
      begun.catch(() => {})
      await requested(emulator, 'POST')
      controller.abort()
      await expect(begun).rejects.toMatchObject({ name: 'AbortError' })
      await bucket.settled()
      expect(emulator.requests.filter(({ method }) => method === 'DELETE')).toHaveLength(1)
      expect(await pendingUploads(bucket)).toBe(0)
    }
  }))
