/**
 * Waits for work that the signal also stops. After an abort, it waits only a short time for the work to clean up.
 *
 * @param graceMs - how long the work may take after the abort, in milliseconds
 * @throws the signal's reason when the work takes longer; what the work throws
 */
export async function stoppedInTime<Result>(
  work: Promise<Result>,
  signal: AbortSignal,
  graceMs: number,
): Promise<Result> {
  let onAbort: () => void = () => {}
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    onAbort = () => {
      timer = setTimeout(() => reject(signal.reason), graceMs)
    }
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
  }
}
