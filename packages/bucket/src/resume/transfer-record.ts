import { CseError } from '@oss-cse/crypto-core'
import { digestEngine } from '@oss-cse/crypto-core/digest-engine'
import { encodeHex } from '@oss-cse/crypto-core/internal'
import type { Checkpoint, CheckpointStore } from './checkpoint-store.ts'

/** Identifies the checkpoint of a transfer. */
export interface TransferName {
  readonly operation: 'upload' | 'download'
  /** The transport's name for the bucket and its endpoint. */
  readonly location: string
  readonly key: string
  /** The local end: a file's absolute path. */
  readonly identity: string
}

/** Opens the record of a transfer. */
export async function openRecord(
  store: CheckpointStore,
  name: TransferName,
  signal: AbortSignal | undefined,
): Promise<Checkpoint> {
  return store.open(recordName(name), { signal })
}

/** Whether there may be a record of a transfer. */
export async function mayHaveRecord(store: CheckpointStore, name: TransferName): Promise<boolean> {
  return (await store.has?.(recordName(name))) ?? true
}

/** Returns the local key of an open record, or `undefined` if the store has none. */
export async function localKeyOf(store: CheckpointStore, name: TransferName): Promise<CryptoKey | undefined> {
  return store.localKey?.(recordName(name))
}

function recordName({ operation, location, key, identity }: TransferName): string {
  return `${operation}-${digestText([location, key, identity])}`
}

/** A hexadecimal digest of plain JSON, to compare with a stored one. */
export function digestText(value: unknown): string {
  const digest = digestEngine.sha256(new TextEncoder().encode(JSON.stringify(value)))
  return encodeHex(digest)
}

/**
 * Loads the record of a transfer. A damaged record is treated like a missing one.
 *
 * @param onDiscard - called with the reason if a record is discarded
 */
export async function loadRecord<Record extends TransferName>(
  checkpoint: Checkpoint,
  name: TransferName,
  parse: (value: unknown) => Record | undefined,
  onDiscard: (why: string) => void,
): Promise<Record | undefined> {
  let value: unknown
  try {
    value = await checkpoint.load()
  } catch (error) {
    if (!CseError.isInstance(error)) throw error
    onDiscard(error.message)
    return undefined
  }
  if (value === undefined) return undefined
  const record = parse(value)
  if (record === undefined) {
    onDiscard('The checkpoint is damaged, or another version of this library made it.')
    return undefined
  }
  const { operation, location, key, identity } = name
  if (
    record.operation !== operation ||
    record.location !== location ||
    record.key !== key ||
    record.identity !== identity
  ) {
    onDiscard('The checkpoint belongs to another transfer.')
    return undefined
  }
  return record
}
