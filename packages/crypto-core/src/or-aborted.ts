/**
 * Waits for a promise or for the signal, for work that cannot be stopped itself. Afterwards neither keeps a reference
 * to the other.
 *
 * @throws the signal's reason, when it aborts first
 *
 * @example
 * ```ts
 * const response = await orAborted(client.decrypt(request), signal)
 * ```
 */
export function orAborted<Result>(
  promise: Promise<Result>,
  signal: AbortSignal | undefined,
): Promise<Result> {
  if (signal === undefined) return promise
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason)
    if (signal.aborted) onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
