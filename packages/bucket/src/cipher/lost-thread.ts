import { CseError } from '@oss-cse/crypto-core'

/** The error of work whose thread ended before the work did. */
export function threadLost(cause?: unknown): CseError {
  return new CseError(
    'ERR_CSE_THREAD',
    'The thread that transfers large files ended before its work was done. Transfer the file again, and give the process more memory if it had too little.',
    { cause },
  )
}

/** Whether an error is that of work whose thread ended. */
export function isThreadLost(error: unknown): boolean {
  return CseError.isInstance(error) && error.code === 'ERR_CSE_THREAD'
}

/**
 * Runs work in a thread, and once more in a new thread if the first one is lost.
 *
 * @param work - gets the current thread on each call, and can be restarted
 * @throws CseError `ERR_CSE_THREAD` when the second thread is lost too; what the work throws
 */
export async function againWhenThreadLost<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (!isThreadLost(error)) throw error
    return work()
  }
}
