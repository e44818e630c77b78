import { tell } from '@oss-cse/crypto-core/internal'

/** The progress of a transfer. */
export interface Progress {
  /** Bytes sent or received so far. Never decreases, even across retries, unless the transfer restarts. */
  readonly transferredBytes: number
  /** The total number of bytes, if it is known. */
  readonly totalBytes?: number | undefined
  /** How many of the transferred bytes an earlier run transferred, if the transfer was resumed. */
  readonly resumedBytes?: number | undefined
  /** The number of finished parts, in a transfer in parts. */
  readonly partsDone?: number | undefined
  /** The total number of parts, in a transfer in parts. */
  readonly partCount?: number | undefined
}

/** Receives a transfer's progress. An error that it throws is ignored: a display must not break a transfer. */
export type ProgressListener = (progress: Progress) => void

/** Returns a function that reports the progress of an attempt. It reports nothing until a retry has caught up. */
export function progressReporter(
  listener: ProgressListener | undefined,
  totalBytes: number | undefined,
): (attemptBytes: number) => void {
  let reported = -1
  return (attemptBytes) => {
    if (attemptBytes <= reported) return
    reported = attemptBytes
    tell(listener, { transferredBytes: attemptBytes, totalBytes })
  }
}

/**
 * Counts the bytes of an upload: as they leave, if the transport reports that, otherwise as the transport pulls them.
 */
export class SentBytes {
  readonly #report: (sentBytes: number) => void
  #told = false
  #reported = -1

  constructor(report: (sentBytes: number) => void) {
    this.#report = report
  }

  /** For the transport to call: `UploadRequest.onSentBytes`. */
  readonly onSentBytes = (sentBytes: number): void => {
    this.#told = true
    this.reached(sentBytes)
  }

  /** The transport has pulled this many bytes. */
  pulled(bytes: number): void {
    if (!this.#told) this.reached(bytes)
  }

  /** At least this many bytes have left. */
  reached(bytes: number): void {
    if (bytes <= this.#reported) return
    this.#reported = bytes
    this.#report(bytes)
  }
}

/** Adds up the progress of a transfer's parts. */
export class PartsProgress {
  readonly #listener: ProgressListener | undefined
  readonly #totalBytes: number
  readonly #partCount: number
  readonly #bytesOfPart = new Map<number, number>()
  #transferredBytes = 0
  #resumedBytes = 0
  #partsDone = 0

  constructor(listener: ProgressListener | undefined, totalBytes: number, partCount: number) {
    this.#listener = listener
    this.#totalBytes = totalBytes
    this.#partCount = partCount
    this.#report()
  }

  /** Bytes that an earlier run transferred. */
  get resumedBytes(): number {
    return this.#resumedBytes
  }

  /** Counts a part that an earlier run transferred. */
  resumed(partNumber: number, sizeBytes: number): void {
    this.#resumedBytes += sizeBytes
    this.done(partNumber, sizeBytes)
  }

  /** Sets the progress of a part. A part that is sent again keeps its old progress until it has caught up. */
  advance(partNumber: number, bytes: number): void {
    const before = this.#bytesOfPart.get(partNumber) ?? 0
    if (bytes <= before) return
    this.#bytesOfPart.set(partNumber, bytes)
    this.#transferredBytes += bytes - before
    this.#report()
  }

  /** Counts a finished part. */
  done(partNumber: number, sizeBytes: number): void {
    this.#partsDone += 1
    this.#transferredBytes += sizeBytes - (this.#bytesOfPart.get(partNumber) ?? 0)
    this.#bytesOfPart.set(partNumber, sizeBytes)
    this.#report()
  }

  #report(): void {
    tell(this.#listener, {
      transferredBytes: this.#transferredBytes,
      totalBytes: this.#totalBytes,
      resumedBytes: this.#resumedBytes,
      partsDone: this.#partsDone,
      partCount: this.#partCount,
    })
  }
}
