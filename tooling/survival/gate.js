/** Lets some requests pass and holds the others until it is opened. */
export class Gate {
  /** Resolves when all that may pass were answered and as many as asked for are held. */
  reached
  #fits
  #left
  #unanswered = 0
  #hold
  #held = 0
  #opened
  #open
  #reach

  /**
   * @param {(exchange: import('./wire-tap.js').Exchange) => boolean} fits - which requests it is about
   * @param {number} pass - how many of them may pass
   * @param {number} hold - how many are held when it is reached
   */
  constructor(fits, pass, hold) {
    this.#fits = fits
    this.#left = pass
    this.#hold = hold
    this.#opened = new Promise((resolve) => {
      this.#open = resolve
    })
    this.reached = new Promise((resolve) => {
      this.#reach = resolve
    })
  }

  /** Lets everything pass from now on. */
  open() {
    this.#left = Number.POSITIVE_INFINITY
    this.#open(true)
  }

  /** Lets nothing of what is held pass, and everything from now on. */
  drop() {
    this.#left = Number.POSITIVE_INFINITY
    this.#open(false)
  }

  /**
   * Resolves when a request may pass.
   *
   * @returns {Promise<boolean>} `false`: it must not
   */
  async pass(exchange) {
    if (!this.#fits(exchange)) return true
    if (this.#left > 0) {
      this.#left -= 1
      this.#unanswered += 1
      exchange.ended.then(() => {
        this.#unanswered -= 1
        this.#look()
      })
      return true
    }
    this.#held += 1
    this.#look()
    return this.#opened
  }

  #look() {
    if (this.#held >= this.#hold && this.#unanswered === 0) this.#reach()
  }
}
