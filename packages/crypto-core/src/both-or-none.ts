import { CseError, unwrapFailed } from './errors.ts'
import { linkedAbort } from './linked-abort.ts'
import { orAborted } from './or-aborted.ts'

/**
 * Makes two calls of a key service at the same time, and waits for both. A failure of the service aborts the other
 * call. A mismatch (`ERR_CSE_UNWRAP_FAILED`) is reported only after both calls have ended. So a failure of the service
 * takes precedence, whichever call was faster. If a call ignores its signal, an abort ends only the wait for it.
 *
 * @throws the first failure that is not a mismatch; `ERR_CSE_UNWRAP_FAILED`; the reason of the caller's signal
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
      if (!isMismatch(error)) {
        failure ??= { error }
        link.abort(error)
      }
      throw error
    }
  }
  try {
    const [one, other] = await Promise.allSettled([watched(first), watched(second)])
    // This comes first, because an aborted request often fails like a broken network.
    outer?.throwIfAborted()
    if (failure !== undefined) throw failure.error
    if (one.status === 'rejected' || other.status === 'rejected') throw unwrapFailed()
    return [one.value, other.value]
  } finally {
    link.unlink()
  }
}

/** True for an error that says that key and envelope do not match, and false for any other failure. */
export function isMismatch(error: unknown): boolean {
  return CseError.isInstance(error) && error.code === 'ERR_CSE_UNWRAP_FAILED'
}
