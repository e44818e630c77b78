/** The longest delay of a timer, in milliseconds. A timer with a longer delay fires at once. */
export const MAX_TIMER_MS: number = 2 ** 31 - 1

/**
 * Starts a timer that does not keep the process alive.
 *
 * @param delayMs - the delay in milliseconds, at most `MAX_TIMER_MS`
 * @returns a function that stops the timer
 *
 * @example
 * ```ts
 * const stop = backgroundTimer(() => link.abort(late()), 5000)
 * try { return await work(link.signal) } finally { stop() }
 * ```
 */
export function backgroundTimer(callback: () => void, delayMs: number): () => void {
  const timer = setTimeout(callback, delayMs)
  // In a browser a timer is a number, and does not keep the page open.
  if (typeof timer === 'object') (timer as { unref?(): void }).unref?.()
  return () => clearTimeout(timer)
}
