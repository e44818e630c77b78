import { type CallOptions, CseError } from '@oss-cse/crypto-core'

/**
 * Stores the records that resume interrupted transfers. Records are plain JSON and contain wrapped keys only, never a
 * content key in plaintext. A record selects the key of an upload: a store must return only what this user saved in it.
 */
export interface CheckpointStore {
  /**
   * Opens one record exclusively, until it is closed or the process ends for any reason.
   *
   * @param name - letters, digits and hyphens
   * @param options - `signal`: ends a wait for the record, if the store waits
   * @throws CseError `ERR_CSE_CHECKPOINT_IN_USE` when another transfer has the record open; `ERR_CSE_CHECKPOINT` when
   * the store cannot be used.
   */
  open(name: string, options?: CallOptions): Promise<Checkpoint>
  /**
   * Whether there may be a record of that name. Takes no lock, so it costs less than `open`. A transfer in one request
   * asks before it opens a record, because it only removes an earlier one. Optional: without it, the record is opened.
   */
  has?(name: string): Promise<boolean>
  /**
   * Returns the local key of an open record: an AES-GCM key for `encrypt` and `decrypt` that WebCrypto holds and does not
   * release. It is made on the first call, and removed with the record. An upload whose master key cannot unwrap wraps its
   * content key under it, and so can be resumed from this store and from nowhere else. Optional: without it, such an upload
   * is not resumed.
   *
   * @throws CseError `ERR_CSE_CHECKPOINT`
   */
  localKey?(name: string): Promise<CryptoKey>
}

/** One record of a store, open for one transfer. */
export interface Checkpoint {
  /**
   * Returns the record, or `undefined` if there is none.
   *
   * @throws CseError `ERR_CSE_CHECKPOINT` when the record is damaged or cannot be read.
   */
  load(): Promise<unknown>
  /**
   * Replaces the whole record. Once it resolves, the record survives a crash of the machine.
   *
   * @throws CseError `ERR_CSE_CHECKPOINT`
   */
  save(record: unknown): Promise<void>
  /** Removes the record, if there is one, and its local key. */
  remove(): Promise<void>
  /** Closes the record and keeps its content. Never rejects. */
  close(): Promise<void>
}

/** A store in memory. It can resume a failed transfer in the same process only. */
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

/** The error of a record that another transfer has open. */
export function checkpointInUse(): CseError {
  return new CseError(
    'ERR_CSE_CHECKPOINT_IN_USE',
    'Another transfer of the same file and object is running in this or another process: wait for it, or stop it.',
  )
}
