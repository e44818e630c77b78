import type { ServerResponse } from 'node:http'
import type { Answer } from '../protocol/oss-response.ts'
import { ConnectionLost } from '../protocol/request-body.ts'
import type { Fault, FaultKind } from './faults.ts'

const BODY_FAULTS: ReadonlySet<FaultKind> = new Set([
  'reset-during-response',
  'truncate-response',
  'corrupt-body',
])

/** What the sender needs beside the answer. */
export interface SendOptions {
  readonly isHead: boolean
  readonly fault: Fault | undefined
  /** Called with the size of each piece of body that was handed over. */
  readonly onBytes: (count: number) => void
}

/**
 * Sends an answer, streaming its body, and breaks it where a fault says so.
 *
 * @throws ConnectionLost when the client is gone before the end
 */
export async function sendAnswer(
  response: ServerResponse,
  wholeAnswer: Answer,
  options: SendOptions,
): Promise<void> {
  const { fault } = options
  const announcedBytes = bodySize(wholeAnswer)
  // A fault in the middle of a body wants to know where that is.
  const answer =
    announcedBytes !== undefined || options.isHead || fault === undefined || !BODY_FAULTS.has(fault.kind)
      ? wholeAnswer
      : { ...wholeAnswer, body: await collected(wholeAnswer) }
  const sizeBytes = bodySize(answer)
  response.statusCode = answer.status
  for (const [name, value] of Object.entries(answer.headers)) response.setHeader(name, headerBytes(value))
  if (
    announcedBytes !== undefined &&
    !response.hasHeader('Content-Length') &&
    answer.status !== 204 &&
    answer.status !== 304
  ) {
    response.setHeader('Content-Length', announcedBytes)
  }
  const crc64 = answer.headers['x-oss-hash-crc64ecma']
  if (fault?.kind === 'wrong-crc' && crc64 !== undefined) {
    response.setHeader('x-oss-hash-crc64ecma', (BigInt(crc64) ^ 1n).toString())
  }
  if (options.isHead || sizeBytes === 0) {
    if (fault?.kind === 'reset-during-response' || fault?.kind === 'truncate-response') {
      response.req.socket.resetAndDestroy()
      throw new ConnectionLost('reset by fault')
    }
    await ended(response)
    return
  }
  const faultAt =
    sizeBytes === undefined
      ? undefined
      : Math.min(fault?.afterBytes ?? Math.floor(sizeBytes / 2), sizeBytes - 1)
  const stopsAt =
    fault?.kind === 'reset-during-response' || fault?.kind === 'truncate-response' ? faultAt : undefined
  const flipsAt = fault?.kind === 'corrupt-body' && answer.status < 300 ? faultAt : undefined
  let sent = 0
  for await (const chunk of bodyChunks(answer)) {
    const whole = flipsAt === undefined ? chunk : flipped(chunk, flipsAt - sent)
    const piece = stopsAt === undefined ? whole : whole.subarray(0, stopsAt - sent)
    if (piece.length > 0) await written(response, piece)
    sent += piece.length
    options.onBytes(piece.length)
    if (stopsAt === undefined || sent < stopsAt) continue
    response.flushHeaders()
    if (fault?.kind === 'truncate-response') response.req.socket.end()
    else response.req.socket.resetAndDestroy()
    throw new ConnectionLost('cut by fault')
  }
  await ended(response)
}

/** Header values go out as UTF-8 bytes; Node writes one byte per character. */
function headerBytes(value: string): string {
  return Buffer.from(value, 'utf8')
    .toString('latin1')
    .replace(/[\r\n]/g, ' ')
}

function bodySize({ body }: Answer): number | undefined {
  if (body === undefined) return 0
  return body instanceof Uint8Array ? body.length : body.sizeBytes
}

async function* bodyChunks({ body }: Answer): AsyncGenerator<Uint8Array> {
  if (body === undefined) return
  if (body instanceof Uint8Array) yield body
  else yield* body.chunks()
}

async function collected(answer: Answer): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of bodyChunks(answer)) chunks.push(Uint8Array.from(chunk))
  return Buffer.concat(chunks)
}

/** A copy with one bit flipped, if `at` lies within. */
function flipped(chunk: Uint8Array, at: number): Uint8Array {
  if (at < 0 || at >= chunk.length) return chunk
  const copy = Uint8Array.from(chunk)
  copy[at] = (copy[at] as number) ^ 1
  return copy
}

/** Resolves when the kernel has the bytes: only then may the chunk's buffer be used again. */
function written(response: ServerResponse, chunk: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const lost = (): void => reject(new ConnectionLost('client gone'))
    if (isGone(response)) {
      lost()
      return
    }
    response.once('close', lost)
    response.write(chunk, (error) => {
      response.off('close', lost)
      if (error) lost()
      else resolve()
    })
  })
}

function ended(response: ServerResponse): Promise<void> {
  return new Promise((resolve, reject) => {
    const lost = (): void => reject(new ConnectionLost('client gone'))
    if (isGone(response)) {
      lost()
      return
    }
    response.once('close', lost)
    response.end(resolve)
  })
}

/** The client may have left before its answer was ready; no event would tell any more. */
function isGone(response: ServerResponse): boolean {
  return response.destroyed || response.req.socket.destroyed
}
