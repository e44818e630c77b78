import { type FileHandle, open, stat } from 'node:fs/promises'
import { tryLock } from 'fs-native-extensions'
import { checkpointInUse } from './checkpoint-store.ts'

/**
 * Opens a file, or makes it, and locks it. The operating system holds the lock: it ends when the file is closed or the
 * process ends, however that ends.
 *
 * @throws CseError `ERR_CSE_CHECKPOINT_IN_USE` when another open file has the lock; and what the system throws
 */
export async function openLocked(path: string, flags: string | number, mode: number): Promise<FileHandle> {
  for (;;) {
    const file = await open(path, flags, mode)
    try {
      if (!tryLock(file.fd)) throw checkpointInUse()
      // Removed or renamed before it was locked: then it is not the one that others would take.
      const [held, named] = [await file.stat(), await stat(path).catch(() => undefined)]
      if (held.ino === named?.ino && held.dev === named.dev) return file
    } catch (error) {
      await file.close()
      throw error
    }
    await file.close()
  }
}
