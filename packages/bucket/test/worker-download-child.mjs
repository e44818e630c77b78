/** A process that downloads a file by workers. With a second argument, it exits as a worker asks for its second part. */
import { isMainThread } from 'node:worker_threads'

const PART = 4 * 1024 ** 2

/** What a worker imports: sends the requests that the transport below prepared. */
export async function get({ response, bytes }) {
  async function* body() {
    yield bytes
  }
  return { ...response, body: body() }
}

if (isMainThread) {
  const { createTestProvider, MemoryTransport } = await import('@oss-cse/crypto-core/testing')
  const { CryptoBucket } = await import('../dist/index.js')
  const { downloadFile } = await import('../dist/node.js')
  const [, , path, exits] = process.argv
  class ChildTransport extends MemoryTransport {
    async workerSide(request) {
      if (exits && request.headers.range?.startsWith(`bytes=${2 * PART}-`)) process.exit(3)
      if (request.operation !== 'get') return undefined
      const { body, ...response } = await this.get(request)
      const chunks = []
      for await (const chunk of body) chunks.push(chunk)
      return { module: import.meta.url, data: { response, bytes: new Uint8Array(Buffer.concat(chunks)) } }
    }
  }
  const bucket = new CryptoBucket({
    transport: new ChildTransport(),
    provider: createTestProvider(),
    fileWorkers: 2,
  })
  await bucket.put('a', new Uint8Array(2 * PART + 17).fill(7))
  const parts = { multipartThresholdBytes: PART, partSizeBytes: PART, parallel: 1 }
  await downloadFile(bucket, 'a', path, parts)
}
