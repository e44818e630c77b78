import {
  type CallOptions,
  CseError,
  type MultipartTransport,
  type ObjectCatalog,
  type ObjectSettings,
  type ObjectTransport,
  OSS_HEADERS,
  type VersionCatalog,
} from '@oss-cse/crypto-core'
import type { ContentDestination, NewContent } from '../content/new-content.ts'
import { StoredOtherwise } from '../content/stored-otherwise.ts'
import { findSource, type SourceObject, wrappedCekOf } from '../objects/source-object.ts'
import type { IntentLog } from './intent-log.ts'
import type { Intent } from './intent-store.ts'
import { type KeyVersion, keyVersions } from './key-versions.ts'
import {
  NOTHING_PLACED,
  type Placement,
  type PlaceOptions,
  type PlaceOutcome,
  type SettledKey,
  StopRun,
} from './placement.ts'
import { watchedDestination } from './watched-destination.ts'

/** The transport of a bucket that keeps versions. */
export type VersionedTransport = ObjectTransport &
  Pick<ObjectCatalog, 'delete' | 'copy'> &
  VersionCatalog &
  ObjectSettings &
  Partial<MultipartTransport>

/** The id of what is stored without versioning. */
const NULL_VERSION = 'null'

/**
 * Places content as a new version of the key, and then looks which versions lie under it. If another one than the source is
 * directly under it, somebody else wrote meanwhile, and their content is hidden. Then its own version is removed again: that
 * restores exactly what they wrote, with its id, ACL and tags, and cannot hide anything.
 *
 * Each write is recorded before it is sent. So what a killed worker left is found and judged by the next one.
 */
export class VersionedPlacement implements Placement {
  readonly copies = false
  readonly #transport: VersionedTransport
  readonly #log: IntentLog

  constructor(transport: VersionedTransport, log: IntentLog) {
    this.#transport = transport
    this.#log = log
  }

  get destination(): ContentDestination {
    return this.#transport
  }

  async checkBucket({ signal }: CallOptions): Promise<void> {
    const versioning = await this.#transport.getVersioning({ signal })
    if (versioning === 'Enabled') return
    throw new CseError(
      'ERR_CSE_OPERATION_REFUSED',
      `The bucket does not keep versions (its versioning is ${versioning}), so that a newer object could be overwritten unnoticed. Enable versioning, write into another bucket, or pause all writers and say so.`,
    )
  }

  /** Without a signal: what is hidden must be restored, also when the run was cancelled. */
  async settle(key: string, { sameContent }: Pick<PlaceOptions, 'sameContent'>): Promise<SettledKey> {
    const intents = this.#log.of(key)
    if (intents.length === 0) return NOTHING_PLACED
    const placed = new Set<string>()
    const found = new Set<Intent>()
    const counts = new Map<string, number>()
    let removed = false
    const versions = await this.#versionsDownTo(key, new Set(intents.map(({ versionId }) => versionId)))
    // The oldest first.
    for (const [index, { versionId, isDeleteMarker }] of [...versions.entries()].reverse()) {
      if (isDeleteMarker) continue
      const version = await findSource(this.#transport, key, { versionId })
      const cek = version && wrappedCekOf(version)
      const own = intents.filter(({ wrappedCek }) => wrappedCek === cek)
      if (version === undefined || cek === undefined || own.length === 0) continue
      const count = (counts.get(cek) ?? 0) + 1
      // Each write makes one version. A later one with the same content key is a copy, by which a user restored it.
      if (count > this.#log.count(key, cek)) continue
      counts.set(cek, count)
      const intent = own[count - 1]
      if (intent !== undefined) found.add(intent)
      if (wasRaced(versions, index, own) || !(await this.#hasContentOf(version, own, sameContent))) {
        await this.#remove(key, versionId)
        removed = true
      } else {
        placed.add(versionId)
      }
    }
    this.#settled(key, found.size)
    return { placed, removed }
  }

  async place(source: SourceObject, content: NewContent, options: PlaceOptions): Promise<PlaceOutcome> {
    // Without an id: what was stored before the bucket kept versions.
    const { key, versionId = NULL_VERSION } = source
    const { signal, sameSettings } = options
    const lastModified = source.lastModified.toISOString()
    let intent: Intent | undefined
    let placedId: string | undefined
    const destination = watchedDestination(this.#transport, {
      beforeStored: async (wrappedCek) => {
        intent = { key, versionId, lastModified, wrappedCek }
        await this.#log.record(intent)
      },
      onStored({ headers }) {
        placedId = headers[OSS_HEADERS.versionId]
      },
    })
    const { crc64 } = await content.store(destination, key, { signal })
    if (intent === undefined || placedId === undefined || placedId === NULL_VERSION)
      throw versioningEnded(key)
    // From here on without the signal, as in `settle`.
    const outcome = await this.#judge(key, placedId, intent)
    const placed =
      outcome === 'placed' ? await findSource(this.#transport, key, { versionId: placedId }) : undefined
    if (placed !== undefined && (placed.crc64 !== crc64 || wrappedCekOf(placed) !== intent.wrappedCek)) {
      await this.#remove(key, placedId)
      this.#settled(key, 1)
      throw new StoredOtherwise(key)
    }
    if (placed !== undefined && !(await sameSettings(versionId))) {
      await this.#remove(key, placedId)
      this.#settled(key, 1)
      return 'raced'
    }
    this.#settled(key, 1)
    return placed === undefined ? 'raced' : 'placed'
  }

  /**
   * Forgets the writes to a key, if the outcome of all is known. A write that failed, and that was not found, may still arrive: the
   * service can complete what its client has given up.
   */
  #settled(key: string, known: number): void {
    if (this.#log.of(key).length === known) this.#log.settled(key)
  }

  /** Tells whether a version that was just placed is the newest content. Removes it if it hides what somebody else wrote. */
  async #judge(key: string, placedId: string, intent: Intent): Promise<'placed' | 'raced'> {
    const versions = await this.#versionsDownTo(key, new Set([intent.versionId]))
    const index = versions.findIndex(({ versionId }) => versionId === placedId)
    // Another worker of the shard, or a user, has removed it.
    if (index === -1) return 'raced'
    if (wasRaced(versions, index, [intent])) {
      await this.#remove(key, placedId)
      return 'raced'
    }
    return index === 0 ? 'placed' : 'raced'
  }

  async #versionsDownTo(key: string, ids: Set<string | undefined>): Promise<readonly KeyVersion[]> {
    const versions: KeyVersion[] = []
    for await (const version of keyVersions(this.#transport, key, {})) {
      versions.push(version)
      ids.delete(version.versionId)
      if (ids.size === 0) break
    }
    return versions
  }

  async #hasContentOf(
    placed: SourceObject,
    own: readonly Intent[],
    sameContent: PlaceOptions['sameContent'],
  ): Promise<boolean> {
    for (const { key, versionId } of own) {
      const source =
        versionId === undefined ? undefined : await findSource(this.#transport, key, { versionId })
      // What is archived cannot be read. Its wrapped key is that of the write, and a write stores all or nothing.
      if (source === undefined || source.attributes.needsRestore || placed.attributes.needsRestore) continue
      if (!(await sameContent(source, placed))) return false
    }
    return true
  }

  async #remove(key: string, versionId: string): Promise<void> {
    try {
      await this.#transport.delete({ key, versionId })
    } catch (error) {
      if (!CseError.isInstance(error) || error.code !== 'ERR_CSE_ACCESS_DENIED') throw error
      await this.#coverAgain(key, versionId)
    }
  }

  /**
   * Where the deletion of versions is not allowed: copies what lies under its own version on top of it. A copy is an unconditional
   * write, so it is repeated until nothing new lies under it.
   */
  async #coverAgain(key: string, versionId: string): Promise<void> {
    const own = new Set([versionId])
    let restored: string | undefined
    for (;;) {
      let hidden: KeyVersion | undefined
      for await (const version of keyVersions(this.#transport, key, {})) {
        hidden = own.has(version.versionId) ? undefined : version
        if (hidden !== undefined) break
      }
      if (hidden === undefined || hidden.versionId === restored || hidden.isLatest) return
      restored = hidden.versionId
      if (hidden.isDeleteMarker) {
        await this.#transport.delete({ key })
        const marker = await this.#hidingMarker(key, own)
        if (marker === undefined) return
        own.add(marker)
        continue
      }
      const request = { key, versionId: hidden.versionId }
      const acl = await this.#transport.getObjectAcl(request)
      const { headers } = await this.#transport.copy({
        key,
        sourceKey: key,
        sourceVersionId: hidden.versionId,
        headers: {
          ...(acl !== 'default' && { [OSS_HEADERS.objectAcl]: acl }),
          ...(hidden.storageClass !== undefined && { [OSS_HEADERS.storageClass]: hidden.storageClass }),
        },
      })
      const copyId = headers[OSS_HEADERS.versionId]
      if (copyId === undefined) throw versioningEnded(key)
      own.add(copyId)
    }
  }

  /**
   * After a delete, returns the marker that it made, if that hides what somebody else wrote just before. The service does not tell
   * its id here, so it is known only if it is the only marker above one's own versions.
   */
  async #hidingMarker(key: string, own: ReadonlySet<string>): Promise<string | undefined> {
    const above: KeyVersion[] = []
    for await (const version of keyVersions(this.#transport, key, {})) {
      if (own.has(version.versionId)) break
      above.push(version)
    }
    const [marker, ...others] = above
    const isOwn = marker?.isDeleteMarker && others.every(({ isDeleteMarker }) => !isDeleteMarker)
    return isOwn && others.length > 0 ? marker.versionId : undefined
  }
}

/** Tells whether another version than the source of a write lies directly under what was written. */
function wasRaced(versions: readonly KeyVersion[], index: number, own: readonly Intent[]): boolean {
  const sources = new Set(own.map(({ versionId }) => versionId))
  const [beneath, ...older] = versions.slice(index + 1)
  if (beneath === undefined || sources.has(beneath.versionId)) return false
  if (older.some(({ versionId }) => sources.has(versionId))) return true
  // The source was removed for good. If nothing under it is newer than it was, nothing is hidden.
  return own.some(({ lastModified }) => beneath.lastModified > new Date(lastModified))
}

function versioningEnded(objectKey: string): StopRun {
  return new StopRun(
    new CseError(
      'ERR_CSE_OPERATION_REFUSED',
      `The bucket stopped keeping versions while ${objectKey} was written. Enable versioning again before the run continues.`,
      { objectKey },
    ),
  )
}
