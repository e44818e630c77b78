import { constants, type Stats } from 'node:fs'
import { lstat, opendir, unlink } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { openLocked } from './open-locked.node.ts'
import { UNNAMED } from './temporary-name.node.ts'

/** A file that was written to more lately than this is left, in milliseconds. */
const LEFT_ALONE_MS = 24 * 60 * 60 * 1000

/** Directories that this process has looked through. */
const seen = new Set<string>()

/**
 * Removes what crashed runs left in a directory: temporary files that no later run would find by their name, of this user,
 * older than a day, and locked by nobody. A process looks through a directory once. Never rejects.
 */
export async function removeLeftovers(directory: string): Promise<void> {
  const path = resolve(directory)
  if (seen.has(path)) return
  seen.add(path)
  try {
    for await (const entry of await opendir(path)) {
      if (entry.isFile() && UNNAMED.test(entry.name)) await removeLeftover(join(path, entry.name))
    }
  } catch {
    // One that cannot be read may still be written to.
  }
}

async function removeLeftover(path: string): Promise<void> {
  try {
    // Before it is locked: a file that its process has just made must find its lock free.
    if (!isOld(await lstat(path))) return
    const { O_RDWR, O_NOFOLLOW = 0 } = constants
    // Throws where another process has it, and where nothing can be locked: then nobody knows whether one has.
    const file = await openLocked(path, O_RDWR | O_NOFOLLOW, 0o600)
    try {
      if (isOld(await file.stat())) await unlink(path)
    } finally {
      await file.close()
    }
  } catch {
    // The next run tries again.
  }
}

/** Tells whether a file is this user's, and nothing was written to it for a day. */
function isOld({ uid, mtimeMs }: Stats): boolean {
  return uid === (process.geteuid?.() ?? uid) && mtimeMs < Date.now() - LEFT_ALONE_MS
}
