import type { ClientRequest } from 'node:http'
import { tell, type UploadSource } from '@oss-cse/crypto-core/internal'
import type { IdleWatch } from './idle-watch.ts'

/** The most bytes of one write. */
const WRITE_BYTES = 256 * 1024
/** A TLS socket shows no progress within one write: on a slow line, a large one would look like an idle connection. */
const TLS_WRITE_BYTES = 64 * 1024

/**
 * Writes a source into a request, no faster than the connection accepts it.
 *
 * The last stated byte is held back until the source has ended. A source that yields more then fails while the server
 * still waits, so nothing is stored.
 */
export async function sendSource(
  request: ClientRequest,
  source: UploadSource,
  idle: IdleWatch,
  onSentBytes: (sentBytes: number) => void = () => {},
): Promise<void> {
  const writeBytes = request.protocol === 'https:' ? TLS_WRITE_BYTES : WRITE_BYTES
  let held: Uint8Array | undefined
  let sentBytes = 0
  // The request calls this when the operating system has the bytes, possibly after this function has returned.
  const left = (bytes: number, done?: Uint8Array) => (error?: Error | null) => {
    if (error) return
    sentBytes += bytes
    tell(onSentBytes, sentBytes)
    if (done !== undefined) source.recycle(done)
  }
  /** Writes the first `sizeBytes` of a chunk. */
  const write = async (chunk: Uint8Array, sizeBytes: number): Promise<void> => {
    for (let offset = 0; offset < sizeBytes && !request.destroyed; ) {
      const piece = chunk.subarray(offset, Math.min(offset + writeBytes, sizeBytes))
      offset += piece.byteLength
      const sent = left(piece.byteLength, offset === chunk.byteLength ? chunk : undefined)
      if (!request.write(piece, sent)) await drained(request)
    }
  }
  for (;;) {
    idle.suspend()
    const chunk = await source.next()
    idle.resume()
    if (source.stopped || request.destroyed) return
    if (chunk === undefined) break
    if (source.hasAllBytes) held = chunk
    else await write(chunk, chunk.byteLength)
  }
  if (held === undefined) {
    request.end()
    return
  }
  // The last bytes are sent with the end of the request. With all bytes there the server may respond, and a response
  // to a request that has not ended looks like a refusal.
  const last = Math.max(0, held.byteLength - writeBytes)
  if (last > 0) await write(held, last)
  const rest = held.subarray(last)
  if (!source.stopped && !request.destroyed) request.end(rest, left(rest.byteLength, held))
}

function drained(request: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      request.off('drain', done).off('close', done)
      resolve()
    }
    request.on('drain', done).on('close', done)
  })
}
