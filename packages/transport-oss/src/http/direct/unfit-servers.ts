import type { Address } from '../address.ts'

/** How long a server is left alone. */
const UNFIT_MS = 60_000
const MAX_SERVERS = 100

/**
 * The servers whose last direct response was one for node:http, for example because a proxy sends bodies in chunks.
 * A connection that is handed over is not used again. So for a while, their requests go through node:http at once.
 */
export class UnfitServers {
  readonly #since = new Map<string, number>()

  has(address: Address): boolean {
    const since = this.#since.get(serverOf(address))
    return since !== undefined && Date.now() - since < UNFIT_MS
  }

  add(address: Address): void {
    if (this.#since.size >= MAX_SERVERS) this.#since.clear()
    this.#since.set(serverOf(address), Date.now())
  }
}

function serverOf({ secure, hostname, port }: Address): string {
  return `${secure} ${hostname} ${port}`
}
