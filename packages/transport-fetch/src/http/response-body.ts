import { concatBytes, orAborted } from '@oss-cse/crypto-core'
import { backgroundTimer, MAX_TIMER_MS, type RequestContext } from '@oss-cse/crypto-core/internal'
import { brokenConnection } from './network-errors.ts'

/** How many bytes of an error document are read. */
const REFUSAL_BYTES = 16 * 1024
/** How long the document of an error response may take, in milliseconds. The status is known without it. */
const REFUSAL_MS = 10_000

type ByteStream = ReadableStream<Uint8Array> | undefined

/** A body, or its beginning. */
interface Received {
  readonly data: Uint8Array
  /** `broken`: the connection or the signal ended it. `limit`: there is more. */
  readonly ending: 'end' | 'broken' | 'limit'
}

/** Reads a body, at most about `limitBytes` of it. */
export async function received(
  stream: ByteStream,
  limitBytes: number,
  signal: AbortSignal | undefined,
  timeoutMs: number = MAX_TIMER_MS,
): Promise<Received> {
  const reader = stream?.getReader()
  // Not awaited: where the runtime has lost the signal, it may not end.
  const cancel = (): void => void reader?.cancel().catch(() => {})
  const stop = backgroundTimer(cancel, timeoutMs)
  const chunks: Uint8Array[] = []
  let sizeBytes = 0
  let ending: Received['ending'] = 'end'
  try {
    while (reader !== undefined) {
      const { done, value } = await orAborted(reader.read(), signal)
      if (done) break
      chunks.push(value)
      sizeBytes += value.length
      if (sizeBytes > limitBytes) {
        ending = 'limit'
        break
      }
    }
  } catch {
    ending = 'broken'
  }
  stop()
  cancel()
  return { data: concatBytes(chunks), ending }
}

/** Reads the document of an error response, as far as it arrives. The status is known without it. */
export function refusalDocument(stream: ByteStream, signal: AbortSignal | undefined): Promise<Received> {
  return received(stream, REFUSAL_BYTES, signal, REFUSAL_MS)
}

/** How the bytes of a response are read. */
export interface BodyOptions {
  readonly context: RequestContext
  readonly signal: AbortSignal | undefined
  /** The Content-Length of the response, if it has one. */
  readonly length: string | undefined
}

/**
 * Returns the bytes of a response. Not a generator: returning a generator before its first step, or during a step, would
 * not close the connection.
 */
export function responseBytes(
  stream: ByteStream,
  { context, signal, length }: BodyOptions,
): AsyncIterable<Uint8Array> & AsyncIterator<Uint8Array> {
  const reader = (stream ?? new Blob().stream()).getReader()
  let missing = Number(length ?? Number.NaN)
  return {
    [Symbol.asyncIterator]() {
      return this
    },
    async next() {
      try {
        // fetch of Node.js 20 and 22 forgets the signal when its request is collected as garbage (undici).
        const { done, value } = await orAborted(reader.read(), signal)
        missing -= value?.length ?? 0
        if (missing < 0 || (done && missing > 0)) throw brokenConnection(context)
        return done ? { done, value: undefined } : { done, value }
      } catch {
        void reader.cancel().catch(() => {})
        throw signal?.aborted ? signal.reason : brokenConnection(context)
      }
    },
    async return() {
      await reader.cancel().catch(() => {})
      return { done: true, value: undefined }
    },
  }
}
