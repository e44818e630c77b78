/** How far back a rate looks, in milliseconds. */
const WINDOW_MS = 5000

interface Sample {
  readonly timeMs: number
  readonly bytes: number
}

/** The rate of a transfer over the last seconds, so that it follows a changing connection. */
export class TransferRate {
  #samples: readonly Sample[] = []

  /**
   * Records how many bytes have passed by now.
   *
   * @returns bytes per second; 0 until there are two samples
   */
  sample(bytes: number, timeMs: number): number {
    const last = this.#samples.at(-1)
    // Fewer than before: the transfer has restarted.
    const earlier = last !== undefined && bytes < last.bytes ? [] : this.#samples
    const recent = earlier.filter((sample) => timeMs - sample.timeMs < WINDOW_MS)
    // One older sample stays, so that the window is never too short.
    const before = earlier.at(-1 - recent.length)
    this.#samples = [...(before ? [before] : []), ...recent, { timeMs, bytes }]
    const [oldest] = this.#samples
    if (oldest === undefined || timeMs <= oldest.timeMs) return 0
    return ((bytes - oldest.bytes) * 1000) / (timeMs - oldest.timeMs)
  }
}
