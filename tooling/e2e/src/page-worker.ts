import { CryptoBucket } from '@oss-cse/bucket'
import { createTestProvider } from '@oss-cse/crypto-core/testing'
import { FetchTransport } from '@oss-cse/transport-fetch'
import type { PageEmulator } from './browser-service.ts'

/** What a dedicated worker did with a bucket. */
export interface WorkerReport {
  readonly progress: readonly number[]
  readonly isEqual: boolean
}

/** Stores an object and reads it back, as the worker of a page. */
async function work({ accessKeyId, accessKeySecret, ...address }: PageEmulator): Promise<WorkerReport> {
  const credentials = { getCredential: async () => ({ accessKeyId, accessKeySecret }) }
  const transport = new FetchTransport({ ...address, credentials })
  const bucket = new CryptoBucket({ transport, provider: createTestProvider() })
  const bytes = Uint8Array.from({ length: 3_000_000 }, (_, i) => (i * 31 + (i >> 8)) & 0xff)
  const progress: number[] = []
  await bucket.put('worker', bytes, { onProgress: ({ transferredBytes }) => progress.push(transferredBytes) })
  const read = await bucket.getBytes('worker')
  return { progress, isEqual: read.length === bytes.length && read.every((byte, i) => byte === bytes[i]) }
}

addEventListener('message', ({ data }) => {
  work(data).then(postMessage, (error: unknown) => postMessage(String(error)))
})
