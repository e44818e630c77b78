/** How far back a rate looks, in milliseconds. */
const WINDOW_MS = 5000

interface Sample {
  readonly timeMs: number
  readonly bytes: number
}

/** How fast bytes have passed of late: over a few seconds, so that it follows a connection that changes. */
export class TransferRate {
  #samples: readonly Sample[] = []

  /**
   * Takes note of how many bytes have passed by now.
   *
   * @returns bytes per second; 0 until two moments are known
   */
  sample(bytes: number, timeMs: number): number {
    const last = this.#samples.at(-1)
    // Fewer than before: the transfer began anew.
    const earlier = last !== undefined && bytes < last.bytes ? [] : this.#samples
    const recent = earlier.filter((sample) => timeMs - sample.timeMs < WINDOW_MS)
    // One older one stays, so that the window is never shorter than it says.
    const before = earlier.at(-1 - recent.length)
    this.#samples = [...(before ? [before] : []), ...recent, { timeMs, bytes }]
    const [oldest] = this.#samples
    if (oldest === undefined || timeMs <= oldest.timeMs) return 0
    return ((bytes - oldest.bytes) * 1000) / (timeMs - oldest.timeMs)
  }
}
