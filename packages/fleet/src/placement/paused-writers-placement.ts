import {
  type CallOptions,
  CseError,
  type HeaderMap,
  type MultipartTransport,
  type ObjectCatalog,
  type ObjectTransport,
  OSS_HEADERS,
  type VersionCatalog,
} from '@oss-cse/crypto-core'
import { encodeHex } from '@oss-cse/crypto-core/internal'
import type { ContentDestination, NewContent } from '../content/new-content.ts'
import { StoredOtherwise } from '../content/stored-otherwise.ts'
import { findSource, readSource, type SourceObject, wrappedCekOf } from '../objects/source-object.ts'
import type { IntentLog } from './intent-log.ts'
import {
  NOTHING_PLACED,
  type Placement,
  type PlaceOptions,
  type PlaceOutcome,
  type SettledKey,
  StopRun,
} from './placement.ts'
import { watchedDestination } from './watched-destination.ts'

/** The transport of a bucket that does not keep versions. */
export type UnversionedTransport = ObjectTransport &
  Pick<ObjectCatalog, 'delete' | 'copy'> &
  VersionCatalog &
  Partial<MultipartTransport>

/** Options of a placement in a bucket without versions. */
export interface PausedWritersOptions {
  readonly log: IntentLog
  /** New content is first stored under this prefix and a hash of the key. No object of the run may begin with it. */
  readonly temporaryPrefix: string
}

/**
 * Places content in a bucket that keeps no versions, where a PUT destroys what is there. Nothing of the service excludes that
 * somebody writes between the last look at the key and the write. So content is first stored under a temporary key; then a HEAD
 * and a copy follow one another at once. The time between is one request, and no less: all writers must be paused.
 */
export class PausedWritersPlacement implements Placement {
  readonly copies = false
  readonly #transport: UnversionedTransport
  readonly #log: IntentLog
  readonly #temporaryPrefix: string

  constructor(transport: UnversionedTransport, { log, temporaryPrefix }: PausedWritersOptions) {
    this.#transport = transport
    this.#log = log
    this.#temporaryPrefix = temporaryPrefix
  }

  get destination(): ContentDestination {
    return this.#transport
  }

  async checkBucket({ signal }: CallOptions): Promise<void> {
    const versioning = await this.#transport.getVersioning({ signal })
    if (versioning === 'Unversioned') return
    throw new CseError(
      'ERR_CSE_OPERATION_REFUSED',
      `The bucket keeps versions, or did (its versioning is ${versioning}). Write new versions instead: nothing can be lost then.`,
    )
  }

  /**
   * Removes the temporary object of an interrupted write. The object itself is then either the old or the new one.
   *
   * @throws StopRun when it is neither: the temporary object is kept
   */
  async settle(key: string): Promise<SettledKey> {
    if (this.#log.of(key).length > 0) {
      const temporaryKey = await this.#temporaryKey(key)
      const temporary = await findSource(this.#transport, temporaryKey)
      const now = temporary && (await findSource(this.#transport, key))
      if (now && wrappedCekOf(now) === wrappedCekOf(temporary) && now.crc64 !== temporary.crc64) {
        throw copiedWrongly(key, temporaryKey)
      }
      if (temporary !== undefined) await this.#transport.delete({ key: temporaryKey })
      this.#log.settled(key)
    }
    return NOTHING_PLACED
  }

  async place(source: SourceObject, content: NewContent, options: PlaceOptions): Promise<PlaceOutcome> {
    return content.inParts
      ? this.#placeParts(source, content, options)
      : this.#placeByCopy(source, content, options)
  }

  async #placeByCopy(
    source: SourceObject,
    content: NewContent,
    { signal }: CallOptions,
  ): Promise<PlaceOutcome> {
    const { key } = source
    const temporaryKey = await this.#temporaryKey(key)
    const lastModified = source.lastModified.toISOString()
    const destination = watchedDestination(this.#transport, {
      key: temporaryKey,
      headers: readableHeaders(source),
      beforeStored: (wrappedCek) => this.#log.record({ key, lastModified, wrappedCek }),
    })
    const { crc64 } = await content.store(destination, key, { signal })
    const temporary = await readSource(this.#transport, temporaryKey, { signal })
    if (temporary.crc64 !== crc64) {
      await this.settle(key)
      throw new StoredOtherwise(key)
    }
    if (!isSame(await findSource(this.#transport, key, { signal }), source)) {
      await this.settle(key)
      return 'raced'
    }
    signal?.throwIfAborted()
    const headers = { ...copiedHeaders(content.headers), [OSS_HEADERS.copySourceIfMatch]: temporary.etag }
    await this.#transport.copy({ key, sourceKey: temporaryKey, headers, signal })
    const placed = await findSource(this.#transport, key)
    await this.settle(key)
    return placed !== undefined && wrappedCekOf(placed) === wrappedCekOf(temporary) ? 'placed' : 'raced'
  }

  /** For objects that are too large for a copy. The upload is not visible before it is completed. */
  async #placeParts(
    source: SourceObject,
    content: NewContent,
    { signal }: CallOptions,
  ): Promise<PlaceOutcome> {
    const { key } = source
    let raced = false
    let sent: string | undefined
    const destination = watchedDestination(this.#transport, {
      beforeStored: async (wrappedCek) => {
        sent = wrappedCek
        raced = !isSame(await findSource(this.#transport, key, { signal }), source)
        if (raced) throw new CseError('ERR_CSE_SOURCE_CHANGED', `${key} changed while it was read.`)
      },
    })
    try {
      const { crc64 } = await content.store(destination, key, { signal })
      const placed = await findSource(this.#transport, key)
      if (placed === undefined || wrappedCekOf(placed) !== sent) return 'raced'
      if (placed.crc64 !== crc64) throw new StopRun(new StoredOtherwise(key).cause)
      return 'placed'
    } catch (error) {
      if (raced) return 'raced'
      throw error
    }
  }

  /** A hash, because a key with a prefix before it could be longer than the service allows. */
  async #temporaryKey(key: string): Promise<string> {
    const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(key))
    return this.#temporaryPrefix + encodeHex(new Uint8Array(digest))
  }
}

/** Whether nobody wrote since. The ETag alone tells nothing: the same ciphertext can have another envelope. */
function isSame(now: SourceObject | undefined, source: SourceObject): boolean {
  return (
    now !== undefined &&
    now.etag === source.etag &&
    now.lastModified.getTime() === source.lastModified.getTime() &&
    wrappedCekOf(now) === wrappedCekOf(source)
  )
}

/** A temporary object that is archived could not be copied, although its source was restored. */
function readableHeaders({ attributes }: SourceObject): HeaderMap {
  return attributes.restore === undefined ? {} : { [OSS_HEADERS.storageClass]: 'Standard' }
}

const NOT_COPIED_BY_THE_SERVICE: readonly string[] = [
  OSS_HEADERS.objectAcl,
  OSS_HEADERS.storageClass,
  OSS_HEADERS.serverSideEncryption,
  OSS_HEADERS.serverSideEncryptionKeyId,
  OSS_HEADERS.serverSideDataEncryption,
]

/** A copy keeps the metadata and the tags of its source, and nothing else. */
function copiedHeaders(headers: HeaderMap): HeaderMap {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => NOT_COPIED_BY_THE_SERVICE.includes(name)),
  )
}

function copiedWrongly(objectKey: string, temporaryKey: string): StopRun {
  return new StopRun(
    new CseError(
      'ERR_CSE_INTEGRITY',
      `${objectKey} does not have the bytes of ${temporaryKey}, which it is a copy of. Copy that object over it, and check it, before the run continues: it is the only right copy.`,
      { objectKey },
    ),
  )
}
