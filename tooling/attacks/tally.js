import { violation } from './verdict.js'

/** Counts what came of the reads of one scenario. */
export class Tally {
  /** @type {string[]} */
  failures = []
  #name
  #reads = 0
  #refused = 0
  #intact = 0

  constructor(name) {
    this.#name = name
  }

  /**
   * @param {string} what - what was done to the object
   * @param {import('./reads.js').Read} read
   * @param {Uint8Array} genuine
   * @param {{ mustFail?: boolean }} options - whether the read meets what was altered
   */
  add(what, read, genuine, { mustFail = false } = {}) {
    this.#reads += 1
    if (read.error === undefined) this.#intact += 1
    else this.#refused += 1
    const wrong =
      violation(read, genuine) ?? (mustFail && read.error === undefined ? 'ended well' : undefined)
    if (wrong !== undefined) this.failures.push(`${what}, read as ${read.name} from ${read.start}: ${wrong}`)
  }

  /** @returns {import('./index.d.ts').Outcome} */
  outcome() {
    const counts = { reads: this.#reads, refused: this.#refused, intact: this.#intact }
    return { name: this.#name, counts, failures: this.failures }
  }
}
