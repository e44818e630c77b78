import type { ServerResponse } from 'node:http'
import type { OssResponse } from '../protocol/oss-response.ts'
import { ConnectionLost } from '../protocol/request-body.ts'
import type { Fault, FaultKind } from './faults.ts'

const BODY_FAULTS: ReadonlySet<FaultKind> = new Set([
  'reset-during-response',
  'truncate-response',
  'corrupt-body',
])

/** What the sender needs besides the response. */
export interface SendOptions {
  readonly isHead: boolean
  readonly fault: Fault | undefined
  /** Called with the size of each chunk of the body once it is sent. */
  readonly onBytes: (count: number) => void
}

/**
 * Sends a response, streams its body, and breaks it where a fault says so.
 *
 * @throws ConnectionLost when the client is gone before the end
 */
export async function sendResponse(
  outgoing: ServerResponse,
  original: OssResponse,
  options: SendOptions,
): Promise<void> {
  const { fault } = options
  const announcedBytes = bodySize(original)
  // A fault in the middle of the body needs its size. A body of unknown size is read first.
  const response =
    announcedBytes !== undefined || options.isHead || fault === undefined || !BODY_FAULTS.has(fault.kind)
      ? original
      : { ...original, body: await collected(original) }
  const sizeBytes = bodySize(response)
  outgoing.statusCode = response.status
  for (const [name, value] of Object.entries(response.headers)) outgoing.setHeader(name, headerBytes(value))
  if (
    announcedBytes !== undefined &&
    !outgoing.hasHeader('Content-Length') &&
    response.status !== 204 &&
    response.status !== 304
  ) {
    outgoing.setHeader('Content-Length', announcedBytes)
  }
  const crc64 = response.headers['x-oss-hash-crc64ecma']
  if (fault?.kind === 'wrong-crc' && crc64 !== undefined) {
    outgoing.setHeader('x-oss-hash-crc64ecma', (BigInt(crc64) ^ 1n).toString())
  }
  if (options.isHead || sizeBytes === 0) {
    if (fault?.kind === 'reset-during-response' || fault?.kind === 'truncate-response') {
      outgoing.req.socket.resetAndDestroy()
      throw new ConnectionLost('reset by fault')
    }
    await ended(outgoing)
    return
  }
  const faultAt =
    sizeBytes === undefined
      ? undefined
      : Math.min(fault?.afterBytes ?? Math.floor(sizeBytes / 2), sizeBytes - 1)
  const stopsAt =
    fault?.kind === 'reset-during-response' || fault?.kind === 'truncate-response' ? faultAt : undefined
  const flipsAt = fault?.kind === 'corrupt-body' && response.status < 300 ? faultAt : undefined
  let sent = 0
  for await (const chunk of bodyChunks(response)) {
    const whole = flipsAt === undefined ? chunk : flipped(chunk, flipsAt - sent)
    const piece = stopsAt === undefined ? whole : whole.subarray(0, stopsAt - sent)
    if (piece.length > 0) await written(outgoing, piece)
    sent += piece.length
    options.onBytes(piece.length)
    if (stopsAt === undefined || sent < stopsAt) continue
    outgoing.flushHeaders()
    if (fault?.kind === 'truncate-response') outgoing.req.socket.end()
    else outgoing.req.socket.resetAndDestroy()
    throw new ConnectionLost('cut by fault')
  }
  await ended(outgoing)
}

/** Encodes a header value as UTF-8. Node writes one byte per character. */
function headerBytes(value: string): string {
  return Buffer.from(value, 'utf8')
    .toString('latin1')
    .replace(/[\r\n]/g, ' ')
}

function bodySize({ body }: OssResponse): number | undefined {
  if (body === undefined) return 0
  return body instanceof Uint8Array ? body.length : body.sizeBytes
}

async function* bodyChunks({ body }: OssResponse): AsyncGenerator<Uint8Array> {
  if (body === undefined) return
  if (body instanceof Uint8Array) yield body
  else yield* body.chunks()
}

async function collected(response: OssResponse): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of bodyChunks(response)) chunks.push(Uint8Array.from(chunk))
  return Buffer.concat(chunks)
}

/** Copies the chunk and flips one bit of byte `at`. Returns the chunk itself if `at` is outside of it. */
function flipped(chunk: Uint8Array, at: number): Uint8Array {
  if (at < 0 || at >= chunk.length) return chunk
  const copy = Uint8Array.from(chunk)
  copy[at] = (copy[at] as number) ^ 1
  return copy
}

/** Resolves when the kernel has the bytes. Only then may the chunk's buffer be reused. */
function written(outgoing: ServerResponse, chunk: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const lost = (): void => reject(new ConnectionLost('client gone'))
    if (isGone(outgoing)) {
      lost()
      return
    }
    outgoing.once('close', lost)
    outgoing.write(chunk, (error) => {
      outgoing.off('close', lost)
      if (error) lost()
      else resolve()
    })
  })
}

function ended(outgoing: ServerResponse): Promise<void> {
  return new Promise((resolve, reject) => {
    const lost = (): void => reject(new ConnectionLost('client gone'))
    if (isGone(outgoing)) {
      lost()
      return
    }
    outgoing.once('close', lost)
    outgoing.end(resolve)
  })
}

/** The client may have left before its response was ready. No event reports that afterwards. */
function isGone(outgoing: ServerResponse): boolean {
  return outgoing.destroyed || outgoing.req.socket.destroyed
}
