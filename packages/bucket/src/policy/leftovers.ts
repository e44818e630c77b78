/** Work that continues after its call has ended: it undoes what an aborted call started on the service. */
export class Leftovers {
  readonly #underWay = new Set<Promise<void>>()

  /** @param work - never rejects, and ends within a bounded time */
  add(work: Promise<void>): void {
    this.#underWay.add(work)
    void work.then(() => this.#underWay.delete(work))
  }

  /** Resolves when no work is left. */
  async settled(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay)
  }
}
