import { type CallOptions, CseError } from '@oss-cse/crypto-core'
import { linkedAbort } from '@oss-cse/crypto-core/internal'
import { type Checkpoint, type CheckpointStore, checkpointInUse } from '../resume/checkpoint-store.ts'

/** Options of a checkpoint store in IndexedDB. */
export interface IndexedDbCheckpointStoreOptions {
  /** The name of the database. Default `oss-cse`. */
  readonly database?: string | undefined
  /**
   * How long `open` waits in milliseconds for a record that another tab has open. A tab that was closed may hold it a moment
   * longer. Default 5000.
   */
  readonly waitMs?: number | undefined
}

/** Records as JSON, by name. */
const RECORDS = 'checkpoints'
/** The local keys of records, by their names. */
const KEYS = 'local-keys'
const NAME = /^[a-z0-9-]{1,100}$/
const WAIT_MS = 5000

/**
 * Keeps checkpoints in IndexedDB, one entry for each, flushed to disk before a transfer continues. A Web Lock protects an
 * open record. It ends with its tab.
 *
 * All pages of one origin have the same checkpoints. A checkpoint selects the key that an upload encrypts under, so no page
 * of the origin may be one that you do not trust. Needs a secure context. The browser may remove the records when room is
 * short: transfers then start from the beginning.
 *
 * The store has a local key for each record (`CheckpointStore.localKey`), so that uploads can also be resumed if the page has
 * only a public key. A script of the origin can use that key but not read it. Who can read the browser's files can read
 * both, until the upload is complete.
 *
 * @example
 * ```ts
 * const checkpointStore = new IndexedDbCheckpointStore()
 * await uploadFile(bucket, file.name, file, { checkpointStore })
 * ```
 */
export class IndexedDbCheckpointStore implements CheckpointStore {
  readonly #database: string
  readonly #waitMs: number

  /** @throws CseError `ERR_CSE_INVALID_ARGUMENT` when `waitMs` is no time */
  constructor(options: IndexedDbCheckpointStoreOptions = {}) {
    const { database = 'oss-cse', waitMs = WAIT_MS } = options
    if (!(waitMs >= 0)) {
      throw new CseError('ERR_CSE_INVALID_ARGUMENT', `waitMs must be a time in milliseconds, not ${waitMs}.`)
    }
    this.#database = database
    this.#waitMs = waitMs
  }

  async open(name: string, { signal }: CallOptions = {}): Promise<Checkpoint> {
    if (!NAME.test(name)) {
      throw new CseError(
        'ERR_CSE_INVALID_ARGUMENT',
        `${JSON.stringify(name)} is not a valid checkpoint name.`,
      )
    }
    if (typeof indexedDB !== 'object' || navigator.locks === undefined) {
      throw new CseError(
        'ERR_CSE_CHECKPOINT',
        'This page has no IndexedDB or no Web Locks, which checkpoints need: serve it over HTTPS or from localhost.',
      )
    }
    const release = await takeLock(`oss-cse:${this.#database}:${name}`, this.#waitMs, signal)
    try {
      return new IndexedDbCheckpoint(await opened(this.#database), name, release)
    } catch (error) {
      await release()
      throw error
    }
  }

  async has(name: string): Promise<boolean> {
    try {
      return await this.#using(async (database) => {
        return (await requested(database.transaction(RECORDS).objectStore(RECORDS).count(name))) > 0
      })
    } catch {
      // Whatever is wrong with the database is for `open` to say.
      return true
    }
  }

  async localKey(name: string): Promise<CryptoKey> {
    return this.#using(async (database) => {
      const known = await requested<CryptoKey | undefined>(
        database.transaction(KEYS).objectStore(KEYS).get(name),
      )
      if (known !== undefined) return known
      const algorithm = { name: 'AES-GCM', length: 256 }
      const key = await crypto.subtle.generateKey(algorithm, false, ['encrypt', 'decrypt'])
      await change(database, [KEYS], (keys) => keys.put(key, name))
      return key
    })
  }

  async #using<Result>(work: (database: IDBDatabase) => Promise<Result>): Promise<Result> {
    const database = await opened(this.#database)
    try {
      return await checked(() => work(database))
    } finally {
      database.close()
    }
  }
}

class IndexedDbCheckpoint implements Checkpoint {
  readonly #database: IDBDatabase
  readonly #name: string
  readonly #release: Release

  constructor(database: IDBDatabase, name: string, release: Release) {
    this.#database = database
    this.#name = name
    this.#release = release
  }

  async load(): Promise<unknown> {
    return checked(async () => {
      const records = this.#database.transaction(RECORDS).objectStore(RECORDS)
      const text = await requested<string | undefined>(records.get(this.#name))
      return text === undefined ? undefined : JSON.parse(text)
    })
  }

  async save(record: unknown): Promise<void> {
    const text = JSON.stringify(record)
    await checked(() => change(this.#database, [RECORDS], (records) => records.put(text, this.#name)))
  }

  async remove(): Promise<void> {
    await checked(() => change(this.#database, [RECORDS, KEYS], (entries) => entries.delete(this.#name)))
  }

  async close(): Promise<void> {
    this.#database.close()
    await this.#release()
  }
}

/** Releases a lock. Resolves when it is free. Can be called repeatedly, and never rejects. */
type Release = () => Promise<void>

/**
 * Takes a lock. Its holder may be a tab that is just being closed, so this waits.
 *
 * @returns what releases it
 * @throws CseError `ERR_CSE_CHECKPOINT_IN_USE`; the signal's reason
 */
async function takeLock(name: string, waitMs: number, signal: AbortSignal | undefined): Promise<Release> {
  signal?.throwIfAborted()
  const free = await requestLock(name, { ifAvailable: true })
  if (free !== undefined) return free
  const waiting = linkedAbort(signal)
  const timer = setTimeout(() => waiting.abort(checkpointInUse()), waitMs)
  try {
    const release = await requestLock(name, { signal: waiting.signal })
    if (release === undefined) throw checkpointInUse()
    return release
  } finally {
    clearTimeout(timer)
    waiting.unlink()
  }
}

/** @returns `undefined` if the lock is not free and the options do not wait for it */
async function requestLock(name: string, options: LockOptions): Promise<Release | undefined> {
  return new Promise((resolve, reject) => {
    const hold = (lock: Lock | null): Promise<void> | undefined => {
      if (lock === null) {
        resolve(undefined)
        return undefined
      }
      return new Promise((end) =>
        resolve(() => {
          end()
          return released
        }),
      )
    }
    const released: Promise<void> = navigator.locks.request(name, options, hold).then(() => {}, reject)
  })
}

/** Opens the database. */
async function opened(name: string): Promise<IDBDatabase> {
  return checked(() => {
    const request = indexedDB.open(name, 1)
    request.onupgradeneeded = () => {
      for (const store of [RECORDS, KEYS]) request.result.createObjectStore(store)
    }
    return requested(request)
  })
}

/** Changes entries of some stores together, and waits until that is on disk. */
async function change(
  database: IDBDatabase,
  stores: readonly string[],
  edit: (entries: IDBObjectStore) => void,
): Promise<void> {
  const transaction = database.transaction(stores, 'readwrite', { durability: 'strict' })
  const done = new Promise<void>((resolve, reject) => {
    transaction.oncomplete = () => resolve()
    transaction.onabort = () => reject(transaction.error)
  })
  for (const store of stores) edit(transaction.objectStore(store))
  await done
}

async function requested<Result>(request: IDBRequest<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}

/** Reports failures of the database as those of the checkpoint. */
async function checked<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (cause) {
    const why = cause instanceof Error ? cause.name : String(cause)
    throw new CseError('ERR_CSE_CHECKPOINT', `The checkpoints of this page cannot be used (${why}).`, {
      cause,
    })
  }
}
