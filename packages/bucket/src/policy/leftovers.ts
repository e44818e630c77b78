/** Work that goes on after the call that caused it has ended: what an aborted call has begun on the service is undone. */
export class Leftovers {
  readonly #underWay = new Set<Promise<void>>()

  /** @param work - never rejects, and ends within a bounded time */
  add(work: Promise<void>): void {
    this.#underWay.add(work)
    void work.then(() => this.#underWay.delete(work))
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay)
  }
}
