import { CseError } from '@oss-cse/crypto-core'

/** The entries of one database in IndexedDB. */
export interface KeyDatabase {
  get(name: string): Promise<unknown>
  /** Adds an entry unless there is one of the name. Returns whether it did. */
  add(name: string, entry: unknown): Promise<boolean>
  /** Adds an entry unless there is one of the name. Returns the one that is there then. */
  addOrGet(name: string, entry: unknown): Promise<unknown>
  names(): Promise<readonly string[]>
  delete(name: string): Promise<void>
}

const KEYS = 'keys'

/** Each call opens the database and closes it, so that no page keeps another one from deleting it. */
export function database(databaseName: string): KeyDatabase {
  const read = <Result>(request: (keys: IDBObjectStore) => IDBRequest<Result>): Promise<Result> =>
    using(databaseName, (opened) => requested(request(opened.transaction(KEYS).objectStore(KEYS))))

  /** Resolves when the change is on disk. */
  const change = <Result>(edit: (keys: IDBObjectStore) => Promise<Result>): Promise<Result> =>
    using(databaseName, async (opened) => {
      const transaction = opened.transaction(KEYS, 'readwrite', { durability: 'strict' })
      const done = completed(transaction)
      const [result] = await Promise.all([edit(transaction.objectStore(KEYS)), done])
      return result
    })

  /** One transaction: of two pages, the second one finds the entry of the first. */
  const addIfAbsent = (name: string, entry: unknown): Promise<{ added: boolean; entry: unknown }> =>
    change(async (keys) => {
      // By its count, because `get` does not tell a stored `undefined` from no entry.
      if ((await requested(keys.count(name))) > 0)
        return { added: false, entry: await requested(keys.get(name)) }
      await requested(keys.add(entry, name))
      return { added: true, entry }
    })

  return {
    async get(name) {
      const entry = await read((keys) => keys.get(name))
      // An entry that the browser cannot read any more is not an absent one.
      return entry === undefined && (await read((keys) => keys.count(name))) > 0 ? null : entry
    },
    add: async (name, entry) => (await addIfAbsent(name, entry)).added,
    addOrGet: async (name, entry) => (await addIfAbsent(name, entry)).entry,
    names: async () => (await read((keys) => keys.getAllKeys())).map(String),
    delete: (name) => change((keys) => requested(keys.delete(name))),
  }
}

/** Reports failures of the database under one code. */
async function using<Result>(name: string, work: (opened: IDBDatabase) => Promise<Result>): Promise<Result> {
  if (typeof indexedDB !== 'object') {
    throw new CseError('ERR_CSE_KEY_STORE', 'There is no IndexedDB here, in which keys are stored.')
  }
  try {
    const opened = await open(name)
    try {
      return await work(opened)
    } finally {
      opened.close()
    }
  } catch (cause) {
    const why = cause instanceof Error ? cause.name : String(cause)
    throw new CseError(
      'ERR_CSE_KEY_STORE',
      `The keys in IndexedDB cannot be used (${why}). Private windows and full disks can be the reason.`,
      { cause },
    )
  }
}

function open(name: string): Promise<IDBDatabase> {
  const request = indexedDB.open(name, 1)
  request.onupgradeneeded = () => {
    request.result.createObjectStore(KEYS)
  }
  return requested(request)
}

function completed(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve()
    transaction.onabort = () => reject(transaction.error)
  })
}

function requested<Result>(request: IDBRequest<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}
