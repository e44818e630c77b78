import { readStream } from '../source/read-stream.ts'

/** A body for the caller: a Web stream that also works with `for await`. */
export type ReadableBody = ReadableStream<Uint8Array> & AsyncIterable<Uint8Array>

/**
 * Makes a pull-driven stream from an iterator. Nothing is read ahead of the caller.
 *
 * @param close - called when the caller cancels, also before the first read
 */
export function readableBody(chunks: AsyncIterator<Uint8Array>, close: () => Promise<void>): ReadableBody {
  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const result = await chunks.next()
        if (result.done) controller.close()
        else controller.enqueue(result.value)
      },
      cancel: close,
    },
    { highWaterMark: 0 },
  )
  // Not all browsers have async-iterable streams.
  if (!(Symbol.asyncIterator in stream)) {
    Object.defineProperty(stream, Symbol.asyncIterator, { value: () => readStream(stream) })
  }
  return stream as ReadableBody
}
