import * as v from 'valibot'

/** One version of a key's material. */
export interface KeyVersion {
  readonly versionId: string
  /** ISO 8601. */
  readonly createdAt: string
  /** 32 bytes in base64; absent for a deleted key. */
  readonly material?: string
}

/** A key: its public properties and its secret material. */
export interface KeyRecord {
  readonly keyId: string
  /** ISO 8601. */
  readonly createdAt: string
  readonly description: string
  readonly protectionLevel: 'SOFTWARE' | 'HSM'
  /** True for the key that the emulator made when it started. */
  readonly isFirst: boolean
  readonly state: 'Enabled' | 'Disabled' | 'PendingDeletion' | 'Deleted'
  /** When a key that is scheduled for deletion is deleted, ISO 8601. */
  readonly deleteAt?: string
  /** With their prefix `alias/`. */
  readonly aliases: readonly string[]
  readonly primaryVersionId: string
  /** The oldest first. */
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
