import { type Checkpoint, type CheckpointStore, checkpointInUse } from '../src/resume/checkpoint-store.ts'

/** A checkpoint store that a test can inspect. */
export class RecordStore implements CheckpointStore {
  /** The records as JSON, by name. */
  readonly records: Map<string, string> = new Map()
  /** Every text that was ever saved. */
  readonly saved: string[] = []
  /** Called before each call on a record. An error that it throws becomes the call's failure. */
  intercept: ((call: 'load' | 'save' | 'remove', record?: unknown) => void | Promise<void>) | undefined
  readonly #taken = new Set<string>()

  /** The only record. */
  get record(): string | undefined {
    if (this.records.size > 1) throw new Error('There are several records.')
    return [...this.records.values()][0]
  }

  /** Changes the only record. */
  alter(change: (text: string) => string): void {
    for (const [name, text] of this.records) this.records.set(name, change(text))
  }

  /** Whether every record was closed. */
  get isFree(): boolean {
    return this.#taken.size === 0
  }

  async open(name: string): Promise<Checkpoint> {
    if (this.#taken.has(name)) throw checkpointInUse()
    this.#taken.add(name)
    return {
      load: async () => {
        await this.intercept?.('load')
        const text = this.records.get(name)
        return text === undefined ? undefined : JSON.parse(text)
      },
      save: async (record) => {
        await this.intercept?.('save', record)
        const text = JSON.stringify(record)
        this.saved.push(text)
        this.records.set(name, text)
      },
      remove: async () => {
        await this.intercept?.('remove')
        this.records.delete(name)
      },
      close: async () => {
        this.#taken.delete(name)
      },
    }
  }
}

/** A record store that also has local keys. */
export class LocalKeyStore extends RecordStore {
  /** The keys, by the names of their records. */
  readonly localKeys: Map<string, CryptoKey> = new Map()

  override async open(name: string): Promise<Checkpoint> {
    const checkpoint = await super.open(name)
    const remove = async (): Promise<void> => {
      await checkpoint.remove()
      this.localKeys.delete(name)
    }
    return { ...checkpoint, remove }
  }

  async localKey(name: string): Promise<CryptoKey> {
    const algorithm = { name: 'AES-GCM', length: 256 }
    const key =
      this.localKeys.get(name) ?? (await crypto.subtle.generateKey(algorithm, false, ['encrypt', 'decrypt']))
    this.localKeys.set(name, key)
    return key
  }
}
