import { randomBytes, randomUUID } from 'node:crypto'
import { aliasAlreadyExists, aliasNotFound, keyNotFound, rejectedByState } from './error-catalog.ts'
import type { KeyFiles } from './key-files.ts'
import type { KeyRecord, KeyVersion } from './key-record.ts'

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
/** The account that owns each key. */
export const ACCOUNT_ID = '1234567890123456'

/** A version of a key, with its key. */
export interface FoundVersion {
  readonly key: KeyRecord
  readonly version: KeyVersion
}

/** The keys of one region. It finds them by id, ARN, alias and version, and changes them. */
export class KeyStore {
  readonly #files: KeyFiles
  readonly #region: string
  readonly #clock: () => Date
  readonly #keyIdByVersion = new Map<string, string>()

  constructor(files: KeyFiles, region: string, clock: () => Date) {
    this.#files = files
    this.#region = region
    this.#clock = clock
  }

  arn(keyId: string): string {
    return `acs:kms:${this.#region}:${ACCOUNT_ID}:key/${keyId}`
  }

  /** All keys that are not deleted, the oldest first. */
  list(): readonly KeyRecord[] {
    return this.#files
      .keyIds()
      .flatMap((keyId) => this.#read(keyId) ?? [])
      .filter(({ state }) => state !== 'Deleted')
      .sort((a, b) => {
        const [left, right] = [a.createdAt + a.keyId, b.createdAt + b.keyId]
        return left < right ? -1 : 1
      })
  }

  /**
   * Finds a key by its id, its ARN, an alias, or an alias' ARN.
   *
   * @throws KmsError `Forbidden.KeyNotFound`, `Forbidden.AliasNotFound`
   */
  find(name: string): KeyRecord {
    const arn = /^acs:kms:([^:]*):([^:]*):(.*)$/s.exec(name)
    // Keys of another region or another account do not exist here.
    if (arn !== null && (arn[1] !== this.#region || arn[2] !== ACCOUNT_ID)) throw keyNotFound()
    const resource = (arn?.[3] ?? name).replace(/^key\//, '')
    if (resource.startsWith('alias/')) {
      const key = this.list().find(({ aliases }) => aliases.includes(resource))
      if (key === undefined) throw aliasNotFound()
      return key
    }
    const key = UUID.test(resource) ? this.#read(resource) : undefined
    if (key === undefined || key.state === 'Deleted') throw keyNotFound()
    return key
  }

  /** Finds the version that a blob names, including a version of a deleted key. */
  findVersion(versionId: string): FoundVersion | undefined {
    const found = this.#versionOf(this.#keyIdByVersion.get(versionId), versionId)
    if (found !== undefined) return found
    // Another emulator may have made the version.
    for (const keyId of this.#files.keyIds()) {
      const other = this.#versionOf(keyId, versionId)
      if (other === undefined) continue
      this.#keyIdByVersion.set(versionId, keyId)
      return other
    }
    return undefined
  }

  create(properties: Pick<KeyRecord, 'description' | 'protectionLevel' | 'isFirst'>): KeyRecord {
    const version = this.#newVersion()
    const key: KeyRecord = {
      keyId: randomUUID(),
      createdAt: version.createdAt,
      ...properties,
      state: 'Enabled',
      aliases: [],
      primaryVersionId: version.versionId,
      versions: [version],
    }
    this.#files.write(key)
    return key
  }

  /** Adds a version with new key material, which encrypts from now on. */
  rotate(key: KeyRecord): KeyVersion {
    assertUsable(key)
    const version = this.#newVersion()
    this.save({ ...key, primaryVersionId: version.versionId, versions: [...key.versions, version] })
    return version
  }

  /** @throws KmsError `AliasAlreadyExists` */
  addAlias(key: KeyRecord, alias: string): void {
    if (this.list().some(({ aliases }) => aliases.includes(alias))) throw aliasAlreadyExists()
    this.save({ ...key, aliases: [...key.aliases, alias] })
  }

  /** Deletes a key permanently. Its file stays, without material, so that blobs of the key are still recognized. */
  remove(key: KeyRecord): KeyRecord {
    const { deleteAt: _, ...rest } = key
    const gone: KeyRecord = {
      ...rest,
      state: 'Deleted',
      aliases: [],
      versions: key.versions.map(({ versionId, createdAt }) => ({ versionId, createdAt })),
    }
    this.save(gone)
    return gone
  }

  save(key: KeyRecord): void {
    this.#files.write(key)
  }

  #newVersion(): KeyVersion & { readonly material: string } {
    return {
      versionId: randomUUID(),
      createdAt: this.#clock().toISOString(),
      material: randomBytes(32).toString('base64'),
    }
  }

  #versionOf(keyId: string | undefined, versionId: string): FoundVersion | undefined {
    const key = keyId === undefined ? undefined : this.#read(keyId)
    const version = key?.versions.find((candidate) => candidate.versionId === versionId)
    return key === undefined || version === undefined ? undefined : { key, version }
  }

  #read(keyId: string): KeyRecord | undefined {
    const key = this.#files.read(keyId)
    const isDue =
      key?.state === 'PendingDeletion' &&
      key.deleteAt !== undefined &&
      Date.parse(key.deleteAt) <= this.#clock().getTime()
    return isDue ? this.remove(key) : key
  }
}

/**
 * Checks that a key may encrypt and decrypt, which only an enabled key may.
 *
 * @throws KmsError `Rejected.Disabled`, `Rejected.PendingDeletion`, `Forbidden.KeyNotFound`
 */
export function assertUsable(key: KeyRecord): void {
  if (key.state === 'Deleted') throw keyNotFound()
  if (key.state !== 'Enabled') throw rejectedByState(key.state)
}
