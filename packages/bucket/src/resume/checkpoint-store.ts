import { CseError } from '@oss-cse/crypto-core'

/**
 * Keeps what it takes to go on with an interrupted transfer. Records are plain JSON and hold wrapped keys alone, never
 * a content key in clear. A record selects the key of an upload: a store must return only what this user saved in it.
 */
export interface CheckpointStore {
  /**
   * Takes one record for this caller alone, until it is closed or the process ends, however it ends.
   *
   * @param name - letters, digits and hyphens
   * @throws CseError `ERR_CSE_CHECKPOINT_IN_USE` when another transfer has it; `ERR_CSE_CHECKPOINT` when the store
   * cannot be used.
   */
  open(name: string): Promise<Checkpoint>
}

/** One record of a store, taken by one transfer. */
export interface Checkpoint {
  /**
   * The record; `undefined` when there is none.
   *
   * @throws CseError `ERR_CSE_CHECKPOINT` when there is one and it is damaged, or cannot be read.
   */
  load(): Promise<unknown>
  /**
   * Replaces the record as a whole. Once it resolves, the record is there also after a crash of the machine.
   *
   * @throws CseError `ERR_CSE_CHECKPOINT`
   */
  save(record: unknown): Promise<void>
  /** Removes the record, if there is one. */
  remove(): Promise<void>
  /** Lets go of the record, which stays as it is. Never rejects. */
  close(): Promise<void>
}

/** A store in memory: a transfer can go on after a failure, as long as the process lives. */
export class MemoryCheckpointStore implements CheckpointStore {
  readonly #records = new Map<string, string>()
  readonly #taken = new Map<string, symbol>()

  async open(name: string): Promise<Checkpoint> {
    if (this.#taken.has(name)) throw checkpointInUse()
    const ours = Symbol(name)
    this.#taken.set(name, ours)
    const records = this.#records
    return {
      load: async () => {
        const text = records.get(name)
        return text === undefined ? undefined : JSON.parse(text)
      },
      save: async (record) => {
        records.set(name, JSON.stringify(record))
      },
      remove: async () => {
        records.delete(name)
      },
      close: async () => {
        if (this.#taken.get(name) === ours) this.#taken.delete(name)
      },
    }
  }
}

/** The error of a record that another transfer has taken. */
export function checkpointInUse(): CseError {
  return new CseError(
    'ERR_CSE_CHECKPOINT_IN_USE',
    'Another transfer of the same file and object is under way, here or in another process: wait for it, or stop it.',
  )
}
