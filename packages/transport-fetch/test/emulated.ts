import { type OssEmulator, type OssEmulatorOptions, startOssEmulator } from '@oss-cse/oss-emulator'
import { onTestFinished } from 'vitest'
import { FetchTransport, type FetchTransportOptions } from '../src/index.ts'

/** Starts an emulator that ends with the test. */
export async function emulated(options: OssEmulatorOptions = {}): Promise<OssEmulator> {
  const emulator = await startOssEmulator(options)
  onTestFinished(() => emulator.close())
  return emulator
}

/** A transport for the bucket of an emulator, with its access key unless there is another authorization. */
export function transportTo(
  { endpoint, region, accessKeyId, accessKeySecret }: OssEmulator,
  options: Partial<FetchTransportOptions> = {},
): FetchTransport {
  const authorization =
    options.credentials === undefined && options.authorize === undefined
      ? { credentials: { getCredential: async () => ({ accessKeyId, accessKeySecret }) } }
      : {}
  return new FetchTransport({ bucket: 'demo', endpoint, region, ...authorization, ...options })
}

/** A body that is read once. */
export function bodyOf(bytes: Uint8Array, chunkBytes: number = bytes.length || 1) {
  return {
    sizeBytes: bytes.length,
    async *open() {
      for (let offset = 0; offset < bytes.length; offset += chunkBytes) {
        yield bytes.slice(offset, offset + chunkBytes)
      }
    },
  }
}

/** Reads a whole body. */
export async function bytesOf(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return new Uint8Array(Buffer.concat(chunks))
}

/** The error of a promise that must reject. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => {
      throw new Error('It did not reject.')
    },
    (error: unknown) => error,
  )
}
