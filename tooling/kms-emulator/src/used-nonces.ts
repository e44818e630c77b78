/** The nonces of requests whose time stamps are still valid. */
export class UsedNonces {
  readonly #goodUntil = new Map<string, number>()

  /**
   * Records a nonce.
   *
   * @param goodUntil - when the request's time stamp expires, in milliseconds since the epoch
   * @returns whether it is new
   */
  use(nonce: string, goodUntil: number, now: number): boolean {
    // Oldest first. An entry with a longer life keeps those behind it a little longer, nothing more.
    for (const [old, until] of this.#goodUntil) {
      if (until >= now) break
      this.#goodUntil.delete(old)
    }
    if (this.#goodUntil.has(nonce)) return false
    this.#goodUntil.set(nonce, goodUntil)
    return true
  }
}
