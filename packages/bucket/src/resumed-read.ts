import { CseError, type GetObjectResponse, sliceAnswer, TransportError } from '@oss-cse/crypto-core'
import { isRetryable } from './retry.ts'

/** The bytes of an answer that are still to come, and how to ask for them again. */
export interface ResumedReadOptions {
  readonly key: string
  /** The offset in the object of the answer's first byte. */
  readonly startOffset: number
  /** How many bytes the answer announced. */
  readonly lengthBytes: number
  readonly body: AsyncIterable<Uint8Array>
  /** False when the object cannot be asked for again, or nobody wants it any more. */
  readonly mayResume: () => boolean
  /** Asks for `start`..`end` of the same object, waiting first as the retry policy says. */
  readonly reopen: (start: number, end: number, error: unknown) => Promise<GetObjectResponse>
}

/**
 * Reads an answer's bytes to the end; where the connection breaks it goes on at the same byte. Gives exactly the
 * announced number of bytes, or fails.
 *
 * @throws CseError `ERR_CSE_INTEGRITY` when more bytes come than were announced, and what the transport throws.
 */
export async function* resumedRead(options: ResumedReadOptions): AsyncGenerator<Uint8Array, void, undefined> {
  const { key, startOffset, lengthBytes, mayResume, reopen } = options
  let { body } = options
  let received = 0
  for (;;) {
    let failure: unknown
    try {
      for await (const chunk of body) {
        received += chunk.length
        if (received > lengthBytes) throw tooLong(key)
        yield chunk
      }
      if (received === lengthBytes) return
      failure = cutShort(key)
    } catch (error) {
      failure = error
    }
    if (!mayResume() || !isRetryable(failure) || received === lengthBytes) throw failure
    const start = startOffset + received
    const end = startOffset + lengthBytes - 1
    const response = await reopen(start, end, failure)
    body = response.body
    const slice = sliceAnswer({ start, end }, response)
    if (slice.answerStart !== start || slice.lengthBytes !== lengthBytes - received) throw tooLong(key)
  }
}

function cutShort(objectKey: string): TransportError {
  return new TransportError('ERR_CSE_NETWORK', `The answer for ${objectKey} ended too early.`, {
    objectKey,
    retryable: true,
  })
}

function tooLong(objectKey: string): CseError {
  return new CseError('ERR_CSE_INTEGRITY', `The server sent other bytes of ${objectKey} than it announced.`, {
    objectKey,
  })
}
