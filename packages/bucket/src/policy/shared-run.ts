/**
 * Lets calls that come while a run is under way share the next one: each call resolves after a run that began after
 * the call, so what it wanted to be covered is.
 */
export function sharedRun(run: () => Promise<void>): () => Promise<void> {
  let current: Promise<void> | undefined
  let next: Promise<void> | undefined
  const start = (): Promise<void> => {
    next = undefined
    current = run().finally(() => {
      if (next === undefined) current = undefined
    })
    return current
  }
  return () => {
    if (current === undefined) return start()
    next ??= current.catch(() => {}).then(start)
    return next
  }
}
