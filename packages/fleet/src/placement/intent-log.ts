import type { CallOptions } from '@oss-cse/crypto-core'
import type { Intent, IntentRecord, IntentStore } from './intent-store.ts'

/** The intents of a shard: those of earlier workers, and those of this one. */
export class IntentLog {
  readonly #store: IntentStore
  readonly #shardName: string
  /** The writes whose outcome is not known. */
  readonly #open = new Map<string, Intent[]>()
  /** The records that are those of this log: what it read, and what it wrote. */
  readonly #records: string[] = []
  #next: { readonly intents: Intent[]; readonly written: Promise<void> } | undefined
  #writing: Promise<unknown> = Promise.resolve()

  private constructor(store: IntentStore, shardName: string, earlier: readonly IntentRecord[]) {
    this.#store = store
    this.#shardName = shardName
    for (const { id, intents } of earlier) {
      this.#records.push(id)
      for (const intent of intents) this.#add(intent)
    }
  }

  /** Reads what earlier workers left. */
  static async open(store: IntentStore, shardName: string, options: CallOptions): Promise<IntentLog> {
    return new IntentLog(store, shardName, await store.readIntents(shardName, options))
  }

  /**
   * Makes an intent durable. Intents that arrive while others are being stored are stored together, so that many writes at once
   * take few requests.
   */
  async record(intent: Intent): Promise<void> {
    this.#add(intent)
    // Not with the signal of one of them: the others wait for the same request.
    this.#next ??= this.#startNext()
    this.#next.intents.push(intent)
    await this.#next.written
  }

  #startNext(): { readonly intents: Intent[]; readonly written: Promise<void> } {
    const intents: Intent[] = []
    const written = this.#writing.then(async () => {
      this.#next = undefined
      this.#records.push(await this.#store.addIntents(this.#shardName, intents))
    })
    this.#writing = written.catch(() => {})
    return { intents, written }
  }

  #add(intent: Intent): void {
    const others = this.#open.get(intent.key)
    if (others === undefined) this.#open.set(intent.key, [intent])
    else others.push(intent)
  }

  /** The writes to a key whose outcome is not known. */
  of(key: string): readonly Intent[] {
    return this.#open.get(key) ?? []
  }

  /**
   * Reads the intents that other workers of the shard added since this log was opened: a worker that lost its lease may not know it
   * yet. Their records stay in the store.
   *
   * @returns their keys
   */
  async readOthers(options: CallOptions): Promise<ReadonlySet<string>> {
    const records = await this.#store.readIntents(this.#shardName, options)
    const others = records.filter(({ id }) => !this.#records.includes(id)).flatMap(({ intents }) => intents)
    for (const intent of others) this.#add(intent)
    return new Set(others.map(({ key }) => key))
  }

  /** The keys with writes whose outcome is not known. */
  get openKeys(): readonly string[] {
    return [...this.#open.keys()]
  }

  /** Forgets the writes to a key: their outcome is known. The store keeps them. */
  settled(key: string): void {
    this.#open.delete(key)
  }

  /**
   * Removes the records from the store, if the outcome of all writes is known. Those that another worker of the shard added
   * meanwhile stay.
   */
  async close(options: CallOptions): Promise<void> {
    if (this.#open.size > 0 || this.#records.length === 0) return
    await this.#store.removeIntents(this.#shardName, this.#records.splice(0), options)
  }
}
