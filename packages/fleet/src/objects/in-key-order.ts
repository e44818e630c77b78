import type { ObjectSummary } from '@oss-cse/crypto-core'
import { pMapIterable } from 'p-map'

/** How many objects are worked on at once, and until when. */
export interface InKeyOrderOptions {
  readonly parallel: number
  readonly signal: AbortSignal | undefined
}

/**
 * Works on several objects at a time, and returns the results in the order of the objects. Holds `parallel` objects, however
 * many there are. When it ends in any way, the rest is aborted, and nothing of it runs any more.
 *
 * @param work - its signal aborts when the result is not needed any more
 */
export async function* inKeyOrder<Result>(
  objects: AsyncIterable<ObjectSummary>,
  { parallel, signal }: InKeyOrderOptions,
  work: (object: ObjectSummary, signal: AbortSignal) => Promise<Result>,
): AsyncGenerator<Result, void, undefined> {
  // A controller for each object: one signal with the listeners of all of them would look like a leak.
  const running = new Map<Promise<Result>, AbortController>()
  const stop = (reason?: unknown): void => {
    for (const controller of running.values()) controller.abort(reason)
  }
  const onAbort = (): void => stop(signal?.reason)
  const start = async (object: ObjectSummary): Promise<Result> => {
    signal?.throwIfAborted()
    const controller = new AbortController()
    const result = work(object, controller.signal)
    running.set(result, controller)
    try {
      return await result
    } finally {
      running.delete(result)
    }
  }
  signal?.throwIfAborted()
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    const results = pMapIterable(objects, start, { concurrency: parallel, backpressure: parallel })
    yield* results as AsyncIterable<Result>
    signal?.throwIfAborted()
  } finally {
    signal?.removeEventListener('abort', onAbort)
    stop()
    await Promise.allSettled(running.keys())
  }
}
