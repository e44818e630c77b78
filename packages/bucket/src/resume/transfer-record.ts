import { CseError } from '@oss-cse/crypto-core'
import { createSha256 } from '@oss-cse/crypto-core/sha256'
import type { Checkpoint, CheckpointStore } from './checkpoint-store.ts'

/** What a checkpoint is found by. */
export interface TransferName {
  readonly operation: 'upload' | 'download'
  /** The transport's name for the bucket and where it is. */
  readonly location: string
  readonly key: string
  /** The other end: a file's absolute path. */
  readonly identity: string
}

/** Takes the record of a transfer. */
export async function openRecord(store: CheckpointStore, name: TransferName): Promise<Checkpoint> {
  return store.open(`${name.operation}-${await digestText([name.location, name.key, name.identity])}`)
}

/** A digest of plain JSON, as hexadecimal text, to compare with one that was kept. */
export async function digestText(value: unknown): Promise<string> {
  const sha256 = await createSha256()
  sha256.update(new TextEncoder().encode(JSON.stringify(value)))
  return Array.from(sha256.digest(), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/**
 * Loads the record of a transfer; one that is damaged counts as none.
 *
 * @param onDiscard - told why there is none although there was one
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
