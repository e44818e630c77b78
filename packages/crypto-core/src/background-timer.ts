/** The longest time in milliseconds: a timer takes a longer one for none. */
export const MAX_TIMER_MS: number = 2 ** 31 - 1

/**
 * Starts a timer that does not keep the process alive.
 *
 * @param delayMs - in milliseconds, at most `MAX_TIMER_MS`
 * @returns stops it
 *
 * @example
 * ```ts
 * const stop = backgroundTimer(() => link.abort(late()), 5000)
 * try { return await work(link.signal) } finally { stop() }
 * ```
 */
export function backgroundTimer(callback: () => void, delayMs: number): () => void {
  const timer = setTimeout(callback, delayMs)
  // A browser's timer is a number, and a page does not wait for it.
  if (typeof timer === 'object') (timer as { unref?(): void }).unref?.()
  return () => clearTimeout(timer)
}
