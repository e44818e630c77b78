import { tell } from '@oss-cse/crypto-core/internal'

/** How far a transfer is. */
export interface Progress {
  /**
   * Bytes sent or received so far; never less than in an earlier report, retries included, unless the transfer had to
   * begin anew.
   */
  readonly transferredBytes: number
  /** Bytes in all, when that is known. */
  readonly totalBytes?: number | undefined
  /** Of the transferred bytes those that an earlier run transferred, in a transfer that was resumed. */
  readonly resumedBytes?: number | undefined
  /** Parts that are done, in a transfer in parts. */
  readonly partsDone?: number | undefined
  /** Parts in all, in a transfer in parts. */
  readonly partCount?: number | undefined
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
    if (attemptBytes <= reported) return
    reported = attemptBytes
    tell(listener, { transferredBytes: attemptBytes, totalBytes })
  }
}

/** Counts the bytes of an upload: as they leave, where the transport tells that, else as it pulls them. */
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

  /** This many bytes have certainly left. */
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

  /** What an earlier run transferred, in bytes. */
  get resumedBytes(): number {
    return this.#resumedBytes
  }

  /** A part that an earlier run transferred. */
  resumed(partNumber: number, sizeBytes: number): void {
    this.#resumedBytes += sizeBytes
    this.done(partNumber, sizeBytes)
  }

  /** A part is this far; a part that is sent again stays where it was until it has caught up. */
  advance(partNumber: number, bytes: number): void {
    const before = this.#bytesOfPart.get(partNumber) ?? 0
    if (bytes <= before) return
    this.#bytesOfPart.set(partNumber, bytes)
    this.#transferredBytes += bytes - before
    this.#report()
  }

  /** A part is done. */
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
