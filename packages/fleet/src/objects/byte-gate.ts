/** Lets work in, in order, as long as the bytes of all of it together stay below a limit. Larger work is let in alone. */
export class ByteGate {
  readonly #limitBytes: number
  readonly #waiting = new Set<{ readonly sizeBytes: number; readonly enter: () => void }>()
  #insideBytes = 0
  #inside = 0

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes
  }

  /**
   * Waits until work of this size may start.
   *
   * @returns a function to call when the work has ended
   * @throws the signal's reason
   */
  async enter(sizeBytes: number, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted()
    await new Promise<void>((resolve, reject) => {
      const abort = (): void => {
        this.#waiting.delete(waiter)
        reject(signal.reason)
        this.#admit()
      }
      const enter = (): void => {
        signal.removeEventListener('abort', abort)
        resolve()
      }
      const waiter = { sizeBytes, enter }
      signal.addEventListener('abort', abort, { once: true })
      this.#waiting.add(waiter)
      this.#admit()
    })
    return () => {
      this.#inside -= 1
      this.#insideBytes -= sizeBytes
      this.#admit()
    }
  }

  #admit(): void {
    for (const waiter of this.#waiting) {
      const fits = this.#insideBytes + waiter.sizeBytes <= this.#limitBytes
      if (!fits && this.#inside > 0) return
      this.#waiting.delete(waiter)
      this.#inside += 1
      this.#insideBytes += waiter.sizeBytes
      waiter.enter()
    }
  }
}
