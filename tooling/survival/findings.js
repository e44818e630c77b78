/** What a scenario counted, and what it found wrong. */
export class Findings {
  #counts = new Map()
  #failures = []

  count(name, by = 1) {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + by)
  }

  /** Notes a failure unless the rule holds. */
  expect(holds, failure) {
    if (!holds) this.#failures.push(failure)
    return holds
  }

  /**
   * @returns {import('./index.js').Outcome}
   */
  outcome(name) {
    const counts = Object.fromEntries([...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1)))
    return { name, counts, failures: [...this.#failures] }
  }
}
