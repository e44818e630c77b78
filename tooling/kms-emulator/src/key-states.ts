import { stateModifiedFailed } from './error-catalog.ts'
import type { KeyRecord } from './key-record.ts'
import type { KeyStore } from './key-store.ts'

const DAY_MS = 86_400_000

/** @throws KmsError `Rejected.StateModifiedFailed` if the key is scheduled for deletion */
export function setEnabled(store: KeyStore, key: KeyRecord, enabled: boolean): void {
  if (key.state === 'PendingDeletion') throw stateModifiedFailed()
  store.save({ ...key, state: enabled ? 'Enabled' : 'Disabled' })
}

/** @throws KmsError `Rejected.StateModifiedFailed` if the key is already scheduled for deletion */
export function scheduleDeletion(store: KeyStore, key: KeyRecord, days: number, now: Date): void {
  if (key.state === 'PendingDeletion') throw stateModifiedFailed()
  const deleteAt = new Date(now.getTime() + days * DAY_MS).toISOString()
  store.save({ ...key, state: 'PendingDeletion', deleteAt })
}

/** @throws KmsError `Rejected.StateModifiedFailed` if the key is not scheduled for deletion */
export function cancelDeletion(store: KeyStore, key: KeyRecord): void {
  if (key.state !== 'PendingDeletion') throw stateModifiedFailed()
  const { deleteAt: _, ...rest } = key
  store.save({ ...rest, state: 'Enabled' })
}
