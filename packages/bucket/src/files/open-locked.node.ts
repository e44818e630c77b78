import { type FileHandle, open, stat } from 'node:fs/promises'
import { CseError } from '@oss-cse/crypto-core'
import { checkpointInUse } from '../resume/checkpoint-store.ts'
import { isOutOfFiles } from './checkpoint-failure.node.ts'

/** More rounds than renames can explain: the inode numbers of this file system are not stable. */
const MAX_ROUNDS = 100

/**
 * Opens or creates a file, and locks it. The operating system holds the lock. It ends when the file is closed or the
 * process ends, even after a crash.
 *
 * @throws CseError `ERR_CSE_CHECKPOINT_IN_USE` when another open file has the lock; `ERR_CSE_CHECKPOINT` if locks are
 * not available; and what the system throws when the file cannot be opened
 */
export async function openLocked(path: string, flags: number, mode: number): Promise<FileHandle> {
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const file = await open(path, flags, mode)
    try {
      await lock(file, path)
      // If the file was removed or renamed before it was locked, others would lock another file.
      const held = await file.stat({ bigint: true })
      const named = await stat(path, { bigint: true }).catch(() => undefined)
      if (held.ino === named?.ino && held.dev === named.dev) return file
    } catch (error) {
      await file.close()
      throw error
    }
    await file.close()
  }
  throw cannotLock(path)
}

/** Locks an open file if the machine can, so that it is not treated as the leftover of a crashed run. */
export async function lockIfPossible(file: FileHandle): Promise<void> {
  await lock(file, '').catch(() => {})
}

async function lock(file: FileHandle, path: string): Promise<void> {
  let locked: boolean
  try {
    // Loaded on first use: it is a native module that does not exist for every platform.
    const { tryLock } = await import('fs-native-extensions')
    locked = tryLock(file.fd)
  } catch (cause) {
    // The codes of Windows.
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'EBUSY' || code === 'EACCES') throw checkpointInUse()
    if (isOutOfFiles(cause)) throw cause
    throw cannotLock(path, cause)
  }
  if (!locked) throw checkpointInUse()
}

function cannotLock(path: string, cause?: unknown): CseError {
  return new CseError('ERR_CSE_CHECKPOINT', `${path} cannot be locked: transfers there cannot be resumed.`, {
    cause,
  })
}
