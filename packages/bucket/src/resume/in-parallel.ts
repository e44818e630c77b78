/**
 * Works on items in order, up to `parallel` at a time. The first failure, or the signal, stops the others. Returns, or
 * throws that failure, only when all have ended.
 */
export async function inParallel<Item>(
  items: Iterable<Item>,
  parallel: number,
  signal: AbortSignal | undefined,
  work: (item: Item, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  // A controller for each item: one signal with the listeners of all items would look like a leak.
  const running = new Set<AbortController>()
  let stopped: { readonly reason: unknown } | undefined
  const stop = (reason: unknown): void => {
    stopped ??= { reason }
    for (const controller of running) controller.abort(reason)
  }
  const onAbort = (): void => stop(signal?.reason)
  const iterator = items[Symbol.iterator]()
  const worker = async (): Promise<void> => {
    while (stopped === undefined) {
      const controller = new AbortController()
      try {
        const { done, value } = iterator.next()
        if (done) return
        running.add(controller)
        await work(value, controller.signal)
      } catch (error) {
        stop(error)
      } finally {
        running.delete(controller)
      }
    }
  }
  signal?.throwIfAborted()
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    await Promise.all(Array.from({ length: parallel }, worker))
  } finally {
    signal?.removeEventListener('abort', onAbort)
  }
  const end = stopped as { readonly reason: unknown } | undefined
  if (end !== undefined) throw end.reason
}
