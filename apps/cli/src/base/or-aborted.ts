/**
 * Waits for a result, but no longer than until the signal aborts: for work that cannot itself be stopped.
 *
 * @param graceMs - how long work that the signal stops too may take to clear up
 */
export async function orAborted<Result>(
  work: Promise<Result>,
  signal: AbortSignal,
  graceMs = 0,
): Promise<Result> {
  let onAbort: () => void = () => {}
  let timer: NodeJS.Timeout | undefined
  const aborted = new Promise<never>((_resolve, reject) => {
    const end = (): void => reject(signal.reason)
    onAbort = () => {
      if (graceMs === 0) end()
      else timer = setTimeout(end, graceMs)
    }
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
  })
  try {
    return await Promise.race([work, aborted])
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
  }
}
