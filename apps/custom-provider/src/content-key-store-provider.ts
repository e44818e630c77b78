import {
  type CallOptions,
  type ContentKey,
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
} from '@oss-cse/crypto-core'

/** Where content keys are kept: a table, a vault, a security module. */
export interface ContentKeyStore {
  /** Keeps a key under a new id. Resolves when it is safe: an object whose key was lost cannot be read. */
  put(id: string, key: ContentKey, options: CallOptions): Promise<void>
  /** The key of an id; `undefined` when there is none (any more). Rejects when the store cannot tell. */
  get(id: string, options: CallOptions): Promise<ContentKey | undefined>
}

const WRAPPED = /^(cek|iv):([0-9a-f-]{36})$/

/**
 * A master key that is no key: content keys lie in a store, and objects carry only references to them.
 *
 * An object can be read for as long as the store has its key. Deleting that makes the object unreadable, wherever
 * copies of it are; losing the store makes all of them so. A put that fails or is repeated leaves a key that no object
 * refers to, and a copy within the bucket refers to the same key as its source.
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
    const id = crypto.randomUUID()
    const cek = generateCek()
    const kept = { cek: Uint8Array.from(cek), iv: Uint8Array.from(iv) }
    await answerOf(() => this.#store.put(id, kept, options), options)
    return { cek, wrappedCek: referenceTo('cek', id), wrappedIv: referenceTo('iv', id) }
  }

  async unwrap(envelope: Envelope, options: CallOptions = {}): Promise<ContentKey> {
    options.signal?.throwIfAborted()
    const wrappedIv = envelope.version === 2 ? envelope.wrappedIv : ''
    const id = idOf('cek', envelope.wrappedCek)
    // Both must name one entry: else a CEK could be joined with the IV of another object.
    if (id === undefined || id !== idOf('iv', wrappedIv)) throw unwrapFailed()
    const key = await answerOf(() => this.#store.get(id, options), options)
    if (key === undefined) throw unwrapFailed()
    return key
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

/** Asks the store. What it throws is not passed on: a driver's error may hold the statement with its parameters. */
async function answerOf<Answer>(ask: () => Promise<Answer>, { signal }: CallOptions): Promise<Answer> {
  try {
    return await orAborted(ask(), signal)
  } catch (error) {
    signal?.throwIfAborted()
    if (TransportError.isInstance(error)) throw error
    throw new TransportError('ERR_CSE_SERVICE', 'The store of content keys failed: see its own log.', {
      retryable: false,
    })
  }
}
