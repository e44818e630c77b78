import { CseError } from '@oss-cse/crypto-core'
import { invalidKey } from './invalid-key.ts'
import { database, type KeyDatabase } from './key-database.ts'

/** What the store keeps: a secret key, or a pair. */
export type StoredWebKey = CryptoKey | CryptoKeyPair

/** Options of an {@link IndexedDbKeyStore}. */
export interface IndexedDbKeyStoreOptions {
  /** The name of the database. Default `oss-cse-keys`. */
  readonly database?: string | undefined
}

const MAX_NAME_LENGTH = 100

/**
 * Keeps master keys in IndexedDB, by name. Scripts can use a stored key, but not read it. All pages and workers of one origin have the
 * same keys, so no page of the origin may be one that you do not trust.
 *
 * A key is never replaced. Each change is on disk before its call resolves. But the browser may delete the whole database, when the
 * user clears the data of the site or the disk is full. **A lost key is lost data:** have a backup of each key.
 *
 * @example
 * ```ts
 * const key = await new IndexedDbKeyStore().getOrCreate('master', generateWebAesKey)
 * ```
 */
export class IndexedDbKeyStore {
  readonly #database: KeyDatabase

  /** @throws CseError `ERR_CSE_INVALID_ARGUMENT` if the name of the database is not a text */
  constructor(options: IndexedDbKeyStoreOptions = {}) {
    const { database: name = 'oss-cse-keys' } = options
    checkName('The name of the database', name)
    this.#database = database(name)
  }

  /**
   * Returns a key.
   *
   * @returns `undefined` if there is none of this name
   * @throws CseError `ERR_CSE_KEY_STORE` if the store cannot be used, or the entry is damaged: no key, or an extractable one
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` if the name is not a text of 1 to 100 characters
   */
  async get<Key extends StoredWebKey = CryptoKey>(name: string): Promise<Key | undefined> {
    checkName('The name of a key', name)
    const found = await this.#database.get(name)
    return found === undefined ? undefined : (checkedEntry(name, found) as Key)
  }

  /**
   * Returns a key, and makes it first if there is none. If two pages make it at the same time, both get the same key, that of the
   * first: what the second one made is dropped before anything is encrypted under it.
   *
   * @param create - makes the key, such as `generateWebAesKey`. Its errors reach the caller, and then nothing is stored
   * @throws CseError as `get`; `ERR_CSE_INVALID_KEY` if `create` returns no key, or one that is extractable
   */
  async getOrCreate<Key extends StoredWebKey>(name: string, create: () => Promise<Key>): Promise<Key> {
    const known = await this.get<Key>(name)
    if (known !== undefined) return known
    // A transaction of IndexedDB ends while it waits for anything else. So the key is made before, and may be in vain.
    const made = checkedKey(await create())
    return checkedEntry(name, await this.#database.addOrGet(name, made)) as Key
  }

  /**
   * Stores a key under a new name.
   *
   * @throws CseError `ERR_CSE_OPERATION_REFUSED` if there is a key of this name, which stays
   * @throws CseError `ERR_CSE_INVALID_KEY` if it is no key, or extractable; `ERR_CSE_KEY_STORE` if the store cannot be used
   * @throws CseError `ERR_CSE_INVALID_ARGUMENT` if the name is not a text of 1 to 100 characters
   */
  async add(name: string, key: StoredWebKey): Promise<void> {
    checkName('The name of a key', name)
    if (await this.#database.add(name, checkedKey(key))) return
    throw new CseError(
      'ERR_CSE_OPERATION_REFUSED',
      `There is a key ${JSON.stringify(name)} already. It is not replaced, because objects may be encrypted under it. Take another name, or delete it first.`,
    )
  }

  /** Returns the names of all keys, in ascending order. @throws CseError `ERR_CSE_KEY_STORE` if the store cannot be used */
  async names(): Promise<readonly string[]> {
    return this.#database.names()
  }

  /**
   * Deletes a key for good. Without a backup, nobody can read its objects any more.
   *
   * @throws CseError `ERR_CSE_KEY_STORE` if the store cannot be used; `ERR_CSE_INVALID_ARGUMENT` if the name is not valid
   */
  async delete(name: string): Promise<void> {
    checkName('The name of a key', name)
    await this.#database.delete(name)
  }
}

function checkName(what: string, name: string): void {
  if (typeof name === 'string' && name !== '' && name.length <= MAX_NAME_LENGTH) return
  throw new CseError(
    'ERR_CSE_INVALID_ARGUMENT',
    `${what} must be a text of 1 to ${MAX_NAME_LENGTH} characters.`,
  )
}

function checkedKey<Key>(key: Key): Key {
  if (isSafeKey(key)) return key
  throw invalidKey(
    'Only a CryptoKey or a CryptoKeyPair can be stored, and no secret or private key that is extractable.',
  )
}

/** What does not fit is never taken for an absent key: a new one would be made in its place. */
function checkedEntry(name: string, entry: unknown): unknown {
  if (isSafeKey(entry)) return entry
  throw new CseError(
    'ERR_CSE_KEY_STORE',
    `The entry ${JSON.stringify(name)} is not a key that IndexedDbKeyStore stored. Restore the key from its backup under another name.`,
  )
}

function isSafeKey(value: unknown): boolean {
  if (isCryptoKey(value)) return value.type !== 'public' && !value.extractable
  const { privateKey, publicKey } = (value ?? {}) as Partial<Record<keyof CryptoKeyPair, unknown>>
  return isCryptoKey(privateKey) && !privateKey.extractable && isCryptoKey(publicKey)
}

/** No `instanceof`: a key may come from a frame. An object of a script is not a key, whatever its properties. */
function isCryptoKey(value: unknown): value is CryptoKey {
  return Object.prototype.toString.call(value) === '[object CryptoKey]'
}
