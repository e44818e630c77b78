/** The nonces of the requests whose time stamps are still valid. */
export class UsedNonces {
  readonly #goodUntil = new Map<string, number>()

  /**
   * Remembers a nonce.
   *
   * @param goodUntil - when the request's time stamp expires, in milliseconds since the epoch
   * @returns whether it is new
   */
  use(nonce: string, goodUntil: number, now: number): boolean {
    // In order of use. A nonce that stays valid longer only keeps the later ones a little longer.
    for (const [old, until] of this.#goodUntil) {
      if (until >= now) break
      this.#goodUntil.delete(old)
    }
    if (this.#goodUntil.has(nonce)) return false
    this.#goodUntil.set(nonce, goodUntil)
    return true
  }
}
