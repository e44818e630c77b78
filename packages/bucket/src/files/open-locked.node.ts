import { type FileHandle, open, stat } from 'node:fs/promises'
import { CseError } from '@oss-cse/crypto-core'
import { checkpointInUse } from '../resume/checkpoint-store.ts'
import { isOutOfFiles } from './checkpoint-failure.node.ts'

/** Where files are renamed all the time; more rounds mean a file system whose files have no lasting numbers. */
const MAX_ROUNDS = 100

/**
 * Opens a file, or makes it, and locks it. The operating system holds the lock: it ends when the file is closed or the
 * process ends, however that ends.
 *
 * @throws CseError `ERR_CSE_CHECKPOINT_IN_USE` when another open file has the lock; `ERR_CSE_CHECKPOINT` where there are
 * no locks; and what the system throws when the file cannot be opened
 */
export async function openLocked(path: string, flags: number, mode: number): Promise<FileHandle> {
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const file = await open(path, flags, mode)
    try {
      await lock(file, path)
      // Removed or renamed before it was locked: then it is not the one that others would take.
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

/**
 * Locks an open file where the machine can: a file that is locked is not taken for what a crashed run left.
 */
export async function lockIfPossible(file: FileHandle): Promise<void> {
  await lock(file, '').catch(() => {})
}

async function lock(file: FileHandle, path: string): Promise<void> {
  let locked: boolean
  try {
    // Loaded when it is needed: it is native, and not made for every machine.
    const { tryLock } = await import('fs-native-extensions')
    locked = tryLock(file.fd)
  } catch (cause) {
    // As Windows puts it.
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
