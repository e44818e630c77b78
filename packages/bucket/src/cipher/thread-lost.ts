import { CseError } from '@oss-cse/crypto-core'

/** The error of work whose thread ended before it was done. */
export function threadLost(cause?: unknown): CseError {
  return new CseError(
    'ERR_CSE_THREAD',
    'The thread that encrypts and decrypts files ended before its work was done. Nothing was stored: transfer the file again, with more memory for the process where it had too little.',
    { cause },
  )
}

/**
 * Does work in a thread, and once more in a new one when that thread is lost.
 *
 * @param work - asks for a thread each time, and may be done from its beginning again
 * @throws CseError `ERR_CSE_THREAD` when the second thread is lost too; what the work throws
 */
export async function againWhenThreadLost<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (!CseError.isInstance(error) || error.code !== 'ERR_CSE_THREAD') throw error
    return work()
  }
}
