import { chmod, type FileHandle, mkdir, open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { CseError } from '@oss-cse/crypto-core'

const GROUP_OR_OTHERS = 0o077

/** A directory that this process has for itself. */
export interface LockedDirectory {
  readonly path: string
  unlock(): Promise<void>
}

/**
 * Creates a directory if it is missing, closes it to other users, and locks it against other processes. The operating
 * system holds the lock: it ends with the process, even if that is killed.
 *
 * @throws CseError `ERR_CSE_QUEUE` when another process has it, it belongs to another user, or it cannot be used
 */
export async function lockDirectory(path: string): Promise<LockedDirectory> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 })
    const { uid, mode } = await stat(path)
    if (process.getuid !== undefined && uid !== process.getuid()) {
      throw failure(`${path} belongs to another user. Choose another directory.`)
    }
    if ((mode & GROUP_OR_OTHERS) !== 0) await chmod(path, 0o700)
    const file = await lockedFile(join(path, 'lock'))
    if (file !== undefined) return { path, unlock: () => file.close() }
  } catch (cause) {
    if (CseError.isInstance(cause)) throw cause
    throw failure(`${path} cannot be used: ${(cause as Error).message}`, cause)
  }
  throw failure(`${path} is in use by another process. One process at a time can have it.`)
}

/** Opens and locks a file. Returns `undefined` if another open file has the lock. */
async function lockedFile(path: string): Promise<FileHandle | undefined> {
  const file = await open(path, 'a', 0o600)
  try {
    // Loaded on first use: it is a native module that does not exist for every platform.
    const { tryLock } = await import('fs-native-extensions')
    if (tryLock(file.fd)) return file
  } catch (error) {
    // The codes of Windows for a file that is locked.
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'EBUSY' && code !== 'EACCES') {
      await file.close()
      throw error
    }
  }
  await file.close()
  return undefined
}

function failure(message: string, cause?: unknown): CseError {
  return new CseError('ERR_CSE_QUEUE', message, { cause })
}
