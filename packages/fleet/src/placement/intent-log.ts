import type { CallOptions } from '@oss-cse/crypto-core'
import type { Intent, IntentEntry, IntentRecord, IntentStore } from './intent-store.ts'

/** The intents of a shard: those of earlier workers, and those of this one. */
export class IntentLog {
  readonly #store: IntentStore
  readonly #shardName: string
  /** The writes whose outcome is not known, by key. */
  readonly #open = new Map<string, IntentEntry[]>()
  /** All writes that this log knows of, by key. */
  readonly #all = new Map<string, IntentEntry[]>()
  /** The records that are those of this log: what it read when it was opened, and what it wrote. */
  readonly #records: string[]
  /** Notes for the next record: they spare the next worker work, and need not be durable. */
  #notes: IntentEntry[] = []
  #next: { readonly entries: IntentEntry[]; readonly written: Promise<void> } | undefined
  #writing: Promise<unknown> = Promise.resolve()

  private constructor(store: IntentStore, shardName: string, earlier: readonly IntentRecord[]) {
    this.#store = store
    this.#shardName = shardName
    this.#records = earlier.map(({ id }) => id)
    this.#addRecords(earlier)
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
    const entry = { ...intent, id: crypto.randomUUID() }
    add(this.#open, entry)
    add(this.#all, entry)
    // Not with the signal of one of them: the others wait for the same request.
    this.#next ??= this.#startNext()
    this.#next.entries.push(entry)
    await this.#next.written
  }

  #startNext(): { readonly entries: IntentEntry[]; readonly written: Promise<void> } {
    const entries: IntentEntry[] = []
    const written = this.#writing.then(async () => {
      this.#next = undefined
      entries.push(...this.#notes.splice(0))
      this.#records.push(await this.#store.addIntents(this.#shardName, entries))
    })
    this.#writing = written.catch(() => {})
    return { entries, written }
  }

  /** @returns the writes in them whose outcome is not known */
  #addRecords(records: readonly IntentRecord[]): readonly IntentEntry[] {
    const entries = records.flatMap((record) => record.entries)
    const known = new Set(entries.filter(({ settled }) => settled).map(({ id }) => id))
    const writes = entries.filter(({ settled }) => !settled)
    const open = writes.filter(({ id }) => !known.has(id))
    for (const entry of writes) add(this.#all, entry)
    for (const entry of open) add(this.#open, entry)
    return open
  }

  /** The writes to a key whose outcome is not known. */
  of(key: string): readonly Intent[] {
    return this.#open.get(key) ?? []
  }

  /** How many writes to a key had this wrapped content key: a wrapping that is not random gives it to several. */
  count(key: string, wrappedCek: string): number {
    return (this.#all.get(key) ?? []).filter((intent) => intent.wrappedCek === wrappedCek).length
  }

  /** The keys with writes whose outcome is not known. */
  get openKeys(): readonly string[] {
    return [...this.#open.keys()]
  }

  /** Forgets the writes to a key: their outcome is known. */
  settled(key: string): void {
    for (const entry of this.#open.get(key) ?? []) this.#notes.push({ ...entry, settled: true })
    this.#open.delete(key)
  }

  /**
   * Reads the intents that other workers of the shard added since this log was opened: a worker that lost its lease may not know it
   * yet. Their records stay in the store.
   *
   * @returns their keys
   */
  async readOthers(options: CallOptions): Promise<ReadonlySet<string>> {
    const records = await this.#store.readIntents(this.#shardName, options)
    const others = this.#addRecords(records.filter(({ id }) => !this.#records.includes(id)))
    return new Set(others.map(({ key }) => key))
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

function add(entries: Map<string, IntentEntry[]>, entry: IntentEntry): void {
  const others = entries.get(entry.key)
  if (others === undefined) entries.set(entry.key, [entry])
  else others.push(entry)
}
