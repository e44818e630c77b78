/** How far a transfer is. */
export interface Progress {
  /** Bytes sent or received so far; never less than in an earlier report of the same transfer, retries included. */
  readonly transferredBytes: number
  /** Bytes in all, when that is known. */
  readonly totalBytes?: number | undefined
}

/** Receives a transfer's progress. What it throws is ignored: a display must not break a transfer. */
export type ProgressListener = (progress: Progress) => void

/** Makes a function that reports how far an attempt is, and stays silent while a retry catches up. */
export function progressReporter(
  listener: ProgressListener | undefined,
  totalBytes: number | undefined,
): (attemptBytes: number) => void {
  let reported = -1
  return (attemptBytes) => {
    if (listener === undefined || attemptBytes <= reported) return
    reported = attemptBytes
    try {
      listener({ transferredBytes: attemptBytes, totalBytes })
    } catch {
      // See ProgressListener.
    }
  }
}
