/** A checkpoint store that tells whether it holds a record. For one transfer at a time. */
export class ObservedStore {
  hasRecord = false
  #store

  /** @param {import('@oss-cse/bucket').CheckpointStore} store */
  constructor(store) {
    this.#store = store
  }

  async open(name) {
    const checkpoint = await this.#store.open(name)
    return {
      load: () => checkpoint.load(),
      save: async (record) => {
        await checkpoint.save(record)
        this.hasRecord = true
      },
      remove: async () => {
        await checkpoint.remove()
        this.hasRecord = false
      },
      close: () => checkpoint.close(),
    }
  }
}
