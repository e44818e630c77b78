/**
 * Lets calls share runs. A call that arrives during a run waits for the next one, and shares it with all other waiting
 * calls. So each call resolves after a run that started after the call.
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
