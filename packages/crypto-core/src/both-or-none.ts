import { CseError, unwrapFailed } from './errors.ts'
import { linkedAbort } from './linked-abort.ts'
import { orAborted } from './or-aborted.ts'

/**
 * Makes two calls of a key service at the same time, and waits for both. A failure of the service ends the other call;
 * a misfit (`ERR_CSE_UNWRAP_FAILED`) is judged when both are over, so that a failure of the service comes first,
 * whichever was faster. A call that does not look at its signal is left to itself when that aborts.
 *
 * @throws the first failure that is no misfit; `ERR_CSE_UNWRAP_FAILED`; the caller's signal's reason
 *
 * @example
 * ```ts
 * const [cek, iv] = await bothOrNone(signal, (s) => hsm.decrypt(a, s), (s) => hsm.decrypt(b, s))
 * ```
 */
export async function bothOrNone<First, Second>(
  outer: AbortSignal | undefined,
  first: (signal: AbortSignal) => Promise<First>,
  second: (signal: AbortSignal) => Promise<Second>,
): Promise<[First, Second]> {
  const link = linkedAbort(outer)
  let failure: { readonly error: unknown } | undefined
  const watched = async <Result>(call: (signal: AbortSignal) => Promise<Result>): Promise<Result> => {
    try {
      return await orAborted(call(link.signal), link.signal)
    } catch (error) {
      if (!isMisfit(error)) {
        failure ??= { error }
        link.abort(error)
      }
      throw error
    }
  }
  try {
    const [one, other] = await Promise.allSettled([watched(first), watched(second)])
    // First: an aborted request often fails as if the network had.
    outer?.throwIfAborted()
    if (failure !== undefined) throw failure.error
    if (one.status === 'rejected' || other.status === 'rejected') throw unwrapFailed()
    return [one.value, other.value]
  } finally {
    link.unlink()
  }
}

/** Tells whether an error says that key and envelope do not fit, and not that something failed. */
export function isMisfit(error: unknown): boolean {
  return CseError.isInstance(error) && error.code === 'ERR_CSE_UNWRAP_FAILED'
}
