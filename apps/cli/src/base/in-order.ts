/**
 * Does work on items, several at a time, and returns the results in the order of the items. Holds no more than these items.
 * When the caller stops, what is still running is aborted.
 *
 * @param atOnce - the number of items to work on at the same time
 * @param work - its signal aborts when the result is not wanted any more
 */
export async function* inOrder<Item, Result>(
  items: AsyncIterable<Item>,
  atOnce: number,
  work: (item: Item, signal: AbortSignal) => Promise<Result>,
): AsyncGenerator<Result, void, undefined> {
  const stop = new AbortController()
  const running: Promise<Result>[] = []
  try {
    for await (const item of items) {
      const started = work(item, stop.signal)
      // Its own turn reports a failure.
      started.catch(() => {})
      running.push(started)
      const [first] = running
      if (first === undefined || running.length < atOnce) continue
      yield await first
      running.splice(0, 1)
    }
    for (const rest of running) yield await rest
  } finally {
    stop.abort()
    await Promise.allSettled(running)
  }
}
