import { CryptoBucket } from '@oss-cse/bucket'
import { downloadFile, opfsTarget, uploadFile } from '@oss-cse/bucket/web'
import { createTestProvider, MemoryTransport } from '@oss-cse/crypto-core/testing'

/** What a bundled page saw. */
export interface BundledOutcome {
  /** What it read differently from how it wrote it. */
  readonly differing: readonly string[]
  /** The number of workers that started. */
  readonly workers: number
  readonly error?: string
}

let workers = 0
self.Worker = class extends Worker {
  constructor(...given: ConstructorParameters<typeof Worker>) {
    super(...given)
    this.addEventListener('message', () => workers++, { once: true })
  }
}

/** Uploads a file in parts and downloads it again. Both are large enough for workers. */
async function roundTrip(): Promise<string[]> {
  const bytes = new Uint8Array(9 * 1024 ** 2).map((_, index) => index)
  const differing: string[] = []
  for (const format of ['aes-ctr', 'sealed'] as const) {
    const bucket = new CryptoBucket({
      transport: new MemoryTransport(),
      provider: createTestProvider(),
      format,
    })
    const options = { multipartThresholdBytes: 0, partSizeBytes: 4 * 1024 ** 2 }
    await uploadFile(bucket, 'a', new File([bytes], 'a'), options)
    await downloadFile(bucket, 'a', opfsTarget(format), options)
    const root = await navigator.storage.getDirectory()
    const file = await (await root.getFileHandle(format)).getFile()
    const read = new Uint8Array(await file.arrayBuffer())
    const isEqual = read.length === bytes.length && read.every((byte, index) => byte === bytes[index])
    if (!isEqual) differing.push(format)
  }
  return differing
}

roundTrip().then(
  (differing) => parent.postMessage({ differing, workers }, '*'),
  (error) => parent.postMessage({ differing: [], workers, error: String(error) }, '*'),
)
