import { createTestProvider, MemoryTransport, type StoredObject } from '@oss-cse/crypto-core/testing'
import { CryptoBucket } from '../src/crypto-bucket.ts'
import type { DownloadOptions } from '../src/resume/resumable-download.ts'
import { downloadFile, opfsTarget } from '../src/web.ts'

/** What the worker downloads, and where to. */
interface DownloadJob {
  readonly object: StoredObject
  readonly path: readonly string[]
  readonly options: DownloadOptions
}

self.onmessage = async ({ data: { object, path, options } }: MessageEvent<DownloadJob>): Promise<void> => {
  const transport = new MemoryTransport()
  transport.objects.set('a', object)
  const bucket = new CryptoBucket({ transport, provider: createTestProvider() })
  const { sizeBytes, verification } = await downloadFile(bucket, 'a', opfsTarget(...path), options)
  self.postMessage({ sizeBytes, verification })
}
