import { backgroundTimer, MAX_TIMER_MS } from './background-timer.ts'
import { CseError } from './errors.ts'
import { type LinkedAbort, linkedAbort } from './linked-abort.ts'
import type { BoundedCallOptions } from './ports.ts'

/**
 * Makes a signal that follows the caller's signal. It also aborts when the caller's deadline passes, with a CseError
 * `ERR_CSE_DEADLINE_EXCEEDED`. All work that waits for the signal rejects with that error. Unlink it when the call
 * ends. The timer does not keep the process alive.
 *
 * @param objectKey - the object's key, for the error
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when `deadlineMs` is not a whole number from 1 to 2**31 - 1
 *
 * @example
 * ```ts
 * const link = deadlineAbort({ signal, deadlineMs: 30_000 }, key)
 * try { return await transport.head({ key, headers, signal: link.signal }) } finally { link.unlink() }
 * ```
 */
export function deadlineAbort(
  { signal, deadlineMs }: BoundedCallOptions,
  objectKey: string | undefined,
): LinkedAbort {
  if (deadlineMs === undefined) return linkedAbort(signal)
  if (!Number.isInteger(deadlineMs) || deadlineMs < 1 || deadlineMs > MAX_TIMER_MS) {
    throw new CseError(
      'ERR_CSE_INVALID_ARGUMENT',
      `deadlineMs must be a whole number of milliseconds from 1 to ${MAX_TIMER_MS}.`,
      { objectKey },
    )
  }
  const link = linkedAbort(signal)
  if (link.signal.aborted) return link
  const stop = backgroundTimer(() => {
    link.unlink()
    link.abort(exceeded(deadlineMs, objectKey))
  }, deadlineMs)
  link.signal.addEventListener('abort', stop, { once: true })
  const unlink = (): void => {
    stop()
    link.unlink()
  }
  return { ...link, unlink }
}

/**
 * Runs work within the caller's deadline, if there is one.
 *
 * @param work - receives the same options, with the signal of `deadlineAbort` and without a deadline
 * @throws CseError as `deadlineAbort`, before the work starts; errors of the work, which is `ERR_CSE_DEADLINE_EXCEEDED`
 * when it rejects with its signal's reason
 */
export async function withDeadline<Options extends BoundedCallOptions, Result>(
  options: Options,
  objectKey: string | undefined,
  work: (options: Options & BoundedCallOptions) => Promise<Result>,
): Promise<Result> {
  if (options.deadlineMs === undefined) return work(options)
  const { signal, unlink } = deadlineAbort(options, objectKey)
  try {
    return await work({ ...options, signal, deadlineMs: undefined })
  } finally {
    unlink()
  }
}

/** Like `withDeadline`, for an iteration. The time runs from the request for the first item to the last one. */
export function eachWithDeadline<Options extends BoundedCallOptions, Item>(
  options: Options,
  objectKey: string | undefined,
  work: (options: Options & BoundedCallOptions) => AsyncGenerator<Item, void, undefined>,
): AsyncGenerator<Item, void, undefined> {
  return options.deadlineMs === undefined ? work(options) : bounded(options, objectKey, work)
}

async function* bounded<Options extends BoundedCallOptions, Item>(
  options: Options,
  objectKey: string | undefined,
  work: (options: Options) => AsyncGenerator<Item, void, undefined>,
): AsyncGenerator<Item, void, undefined> {
  const { signal, unlink } = deadlineAbort(options, objectKey)
  try {
    for await (const item of work({ ...options, signal, deadlineMs: undefined })) {
      signal.throwIfAborted()
      yield item
    }
  } finally {
    unlink()
  }
}

function exceeded(deadlineMs: number, objectKey: string | undefined): CseError {
  const what = objectKey === undefined ? 'The call' : `The call for ${objectKey}`
  return new CseError(
    'ERR_CSE_DEADLINE_EXCEEDED',
    `${what} did not end within ${deadlineMs} ms (deadlineMs) and was aborted. Increase deadlineMs, or call it again.`,
    { objectKey },
  )
}
