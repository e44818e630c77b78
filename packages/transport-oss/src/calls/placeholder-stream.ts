import { Readable } from 'node:stream'

/**
 * Passes ali-oss a stream that never yields, and destroys it after the call. ali-oss requires a stream, but the
 * transport sends its own.
 */
export async function withPlaceholder<T>(work: (stream: Readable) => Promise<T>): Promise<T> {
  const stream = new Readable({ read() {} })
  try {
    return await work(stream)
  } finally {
    stream.destroy()
  }
}
