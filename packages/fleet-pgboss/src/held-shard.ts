import { CseError } from '@oss-cse/crypto-core'
import { leaseLost, type Shard, type ShardTotals, type TakenShard } from '@oss-cse/fleet'

/** What a held shard asks of its queue. */
export interface ShardHolder {
  /** Returns false if the lease is lost. */
  extend(): Promise<boolean>
  /** Returns false if the lease is lost. */
  complete(totals: ShardTotals): Promise<boolean>
  release(): Promise<void>
  fail(code: string): Promise<void>
  /** Called once the shard is no longer held. */
  ended(): void
}

/** A shard that this process has taken. It extends its lease three times in each. */
export class HeldShard implements TakenShard {
  readonly shard: Shard
  readonly attempt: number
  readonly #holder: ShardHolder
  readonly #lost = new AbortController()
  readonly #timer: NodeJS.Timeout
  #ended = false

  constructor(shard: Shard, attempt: number, leaseSeconds: number, holder: ShardHolder) {
    this.shard = shard
    this.attempt = attempt
    this.#holder = holder
    this.#timer = setInterval(() => void this.#extend(), (leaseSeconds * 1000) / 3)
  }

  get leaseLost(): AbortSignal {
    return this.#lost.signal
  }

  async complete(totals: ShardTotals): Promise<void> {
    const completed = await this.#holder.complete(totals)
    this.#end()
    if (!completed) throw this.#lose()
  }

  async release(): Promise<void> {
    this.#end()
    await this.#holder.release()
  }

  async fail(error: unknown): Promise<void> {
    this.#end()
    await this.#holder.fail(CseError.isInstance(error) ? error.code : 'unknown')
  }

  async #extend(): Promise<void> {
    // If the database is away, the lease may still be there when it is back.
    const held = await this.#holder.extend().catch(() => true)
    if (held || this.#ended) return
    this.#end()
    this.#lose()
  }

  #end(): void {
    if (this.#ended) return
    this.#ended = true
    clearInterval(this.#timer)
    this.#holder.ended()
  }

  #lose(): CseError {
    const error = leaseLost(this.shard.index)
    this.#lost.abort(error)
    return error
  }
}
