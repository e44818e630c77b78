import {
  type CallOptions,
  type ContentKey,
  checkContentKey,
  decodeBase64,
  type Envelope,
  encodeBase64,
  type GeneratedContentKey,
  generateCek,
  type MasterKeyProvider,
  type MaterialDescription,
  orAborted,
  TransportError,
  unwrapFailed,
  type WrappedContentKey,
} from '@oss-cse/crypto-core'

/** A store of content keys: a table, a vault, a security module. */
export interface ContentKeyStore {
  /** Stores a key under a new id. Resolves when the key is durable: without its key, an object cannot be read. */
  put(id: string, key: ContentKey, options: CallOptions): Promise<void>
  /** Returns the key of an id, or `undefined` if it does not exist (any more). Rejects if the store cannot tell. */
  get(id: string, options: CallOptions): Promise<ContentKey | undefined>
}

const WRAPPED = /^(cek|iv):([0-9a-f-]{36})$/

/**
 * A provider without a master key. The content keys are in a store, and the objects contain only references to them.
 *
 * An object can be read as long as the store has its key. If the key is deleted, the object and each copy of it become
 * unreadable. If the store is lost, all objects do. A put that fails or is repeated leaves a key that no object refers
 * to. A copy within the bucket refers to the same key as its source. A key that is wrapped again gets a new entry, and the
 * old one stays.
 */
export class ContentKeyStoreProvider implements MasterKeyProvider {
  readonly wrapAlgorithm = 'EXAMPLE/CONTENT-KEY-STORE'
  readonly materialDescription: MaterialDescription
  readonly #store: ContentKeyStore

  constructor(store: ContentKeyStore, materialDescription: MaterialDescription = {}) {
    this.#store = store
    this.materialDescription = materialDescription
  }

  async generateContentKey(iv: Uint8Array, options: CallOptions = {}): Promise<GeneratedContentKey> {
    options.signal?.throwIfAborted()
    const cek = generateCek()
    return { cek, ...(await this.#stored({ cek, iv }, options)) }
  }

  async wrap(contentKey: ContentKey, options: CallOptions = {}): Promise<WrappedContentKey> {
    options.signal?.throwIfAborted()
    checkContentKey(contentKey)
    return this.#stored(contentKey, options)
  }

  async unwrap(envelope: Envelope, options: CallOptions = {}): Promise<ContentKey> {
    options.signal?.throwIfAborted()
    const wrappedIv = envelope.version === 2 ? envelope.wrappedIv : ''
    const id = idOf('cek', envelope.wrappedCek)
    // Both must name the same entry. Otherwise a CEK could be combined with the IV of another object.
    if (id === undefined || id !== idOf('iv', wrappedIv)) throw unwrapFailed()
    const key = await resultOf(() => this.#store.get(id, options), options)
    if (key === undefined) throw unwrapFailed()
    return key
  }

  async #stored({ cek, iv }: ContentKey, options: CallOptions): Promise<WrappedContentKey> {
    const id = crypto.randomUUID()
    // Copies, because the keyring overwrites its own after use.
    const kept = { cek: Uint8Array.from(cek), iv: Uint8Array.from(iv) }
    await resultOf(() => this.#store.put(id, kept, options), options)
    return { wrappedCek: referenceTo('cek', id), wrappedIv: referenceTo('iv', id) }
  }
}

function referenceTo(field: 'cek' | 'iv', id: string): string {
  return encodeBase64(new TextEncoder().encode(`${field}:${id}`))
}

function idOf(field: 'cek' | 'iv', wrapped: string): string | undefined {
  const [, named, id] =
    WRAPPED.exec(new TextDecoder().decode(decodeBase64(wrapped) ?? new Uint8Array())) ?? []
  return named === field ? id : undefined
}

/** Calls the store. Its error is not passed on: a driver's error may contain the statement with its parameters. */
async function resultOf<Result>(call: () => Promise<Result>, { signal }: CallOptions): Promise<Result> {
  try {
    return await orAborted(call(), signal)
  } catch (error) {
    signal?.throwIfAborted()
    if (TransportError.isInstance(error)) throw error
    throw new TransportError('ERR_CSE_SERVICE', 'The store of content keys failed. See its own log.', {
      retryable: false,
    })
  }
}
