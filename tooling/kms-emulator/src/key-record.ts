import * as v from 'valibot'

/** One version of a key's material. */
export interface KeyVersion {
  readonly versionId: string
  /** ISO 8601. */
  readonly createdAt: string
  /** 32 bytes in base64. Absent once the key is deleted. */
  readonly material?: string
}

/** A key: its metadata and its secret material. */
export interface KeyRecord {
  readonly keyId: string
  /** ISO 8601. */
  readonly createdAt: string
  readonly description: string
  readonly protectionLevel: 'SOFTWARE' | 'HSM'
  /** True if the emulator itself made the key when it started. */
  readonly isFirst: boolean
  readonly state: 'Enabled' | 'Disabled' | 'PendingDeletion' | 'Deleted'
  /** The time at which a key that is scheduled for deletion is deleted, ISO 8601. */
  readonly deleteAt?: string
  /** The aliases with their prefix `alias/`. */
  readonly aliases: readonly string[]
  readonly primaryVersionId: string
  /** The versions, the oldest first. */
  readonly versions: readonly KeyVersion[]
}

const uuid = v.pipe(v.string(), v.uuid())
const timestamp = v.pipe(v.string(), v.isoTimestamp())

/** The schema of a key file. */
export const keyRecordSchema: v.GenericSchema<KeyRecord> = v.object({
  keyId: uuid,
  createdAt: timestamp,
  description: v.string(),
  protectionLevel: v.picklist(['SOFTWARE', 'HSM']),
  isFirst: v.boolean(),
  state: v.picklist(['Enabled', 'Disabled', 'PendingDeletion', 'Deleted']),
  deleteAt: v.exactOptional(timestamp),
  aliases: v.array(v.string()),
  primaryVersionId: uuid,
  versions: v.array(
    v.object({
      versionId: uuid,
      createdAt: timestamp,
      material: v.exactOptional(v.pipe(v.string(), v.regex(/^[A-Za-z0-9+/]{43}=$/))),
    }),
  ),
})
