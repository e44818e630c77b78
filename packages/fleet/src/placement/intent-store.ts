import type { CallOptions } from '@oss-cse/crypto-core'

/** A write that is about to happen. */
export interface Intent {
  readonly key: string
  /** The version that is read, and that must lie directly under the one that is written. Absent in an unversioned bucket. */
  readonly versionId?: string | undefined
  /** When the source was last modified, in ISO 8601: what is newer than that was written meanwhile. */
  readonly lastModified: string
  /** The wrapped content key of what is written, as its header has it: by it, the writer's own version is known again. */
  readonly wrappedCek: string
}

/** An intent as it is stored, or the note that the outcome of one is known. */
export interface IntentEntry extends Intent {
  /** The intent: no other one has this id. */
  readonly id: string
  /** The outcome is known: nobody needs to look at the key for this intent any more. */
  readonly settled?: true | undefined
}

/** Entries that were stored together. */
export interface IntentRecord {
  /** No other record of the shard has it. */
  readonly id: string
  readonly entries: readonly IntentEntry[]
}

/**
 * Where a run keeps the intents of its shards: the writes that were about to happen. A worker that is killed between a write and
 * its check leaves an object that looks finished, and may hide a newer one. The next worker of the shard finds out from these.
 *
 * Keys are personal data: only the owner of the run can read a store.
 */
export interface IntentStore {
  /**
   * Adds entries of a shard. They are durable when this has returned. It replaces none, also none of another worker.
   *
   * @param shardName - see `shardName`
   * @returns the id of the record
   */
  addIntents(shardName: string, entries: readonly IntentEntry[], options?: CallOptions): Promise<string>
  /** Returns all records of a shard, of all workers that ever took it, in any order. */
  readIntents(shardName: string, options?: CallOptions): Promise<readonly IntentRecord[]>
  /** Removes records of a shard. Does nothing about those that do not exist any more. */
  removeIntents(shardName: string, ids: readonly string[], options?: CallOptions): Promise<void>
}

/** Keeps intents in memory: for a single object, and for tests. They end with the process. */
export class MemoryIntentStore implements IntentStore {
  readonly #records = new Map<string, IntentRecord[]>()
  #serial = 0

  async addIntents(shardName: string, entries: readonly IntentEntry[]): Promise<string> {
    this.#serial += 1
    const id = String(this.#serial)
    this.#records.set(shardName, [...(await this.readIntents(shardName)), { id, entries: [...entries] }])
    return id
  }

  async readIntents(shardName: string): Promise<IntentRecord[]> {
    return this.#records.get(shardName) ?? []
  }

  async removeIntents(shardName: string, ids: readonly string[]): Promise<void> {
    const records = await this.readIntents(shardName)
    this.#records.set(
      shardName,
      records.filter(({ id }) => !ids.includes(id)),
    )
  }
}
