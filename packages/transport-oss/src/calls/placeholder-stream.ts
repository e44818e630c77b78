import { Readable } from 'node:stream'

/** ali-oss asks for a stream where ours is sent in its place: one that never yields, destroyed after the call. */
export async function withPlaceholder<T>(work: (stream: Readable) => Promise<T>): Promise<T> {
  const stream = new Readable({ read() {} })
  try {
    return await work(stream)
  } finally {
    stream.destroy()
  }
}
