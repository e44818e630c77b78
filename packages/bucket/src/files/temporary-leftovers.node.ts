import { constants, type Stats } from 'node:fs'
import { lstat, opendir, unlink } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { openLocked } from './open-locked.node.ts'
import { RESUMABLE, UNNAMED } from './temporary-name.node.ts'

const DAY_MS = 24 * 60 * 60 * 1000

/** How long after the last write a file is a leftover, in milliseconds. */
const LEFT_AFTER_MS: readonly (readonly [RegExp, number])[] = [
  [UNNAMED, DAY_MS],
  [RESUMABLE, 30 * DAY_MS],
]

/** The directories that this process cleaned most recently. */
const seen = new Set<string>()
const MAX_SEEN = 1000

/**
 * Removes the leftovers of crashed runs from a directory: temporary files of this user that are not locked. Files that
 * no later run would find are removed after a day, and files that were not resumed after 30 days. A process cleans a
 * directory once. Never rejects.
 */
export async function removeLeftovers(directory: string): Promise<void> {
  const path = resolve(directory)
  if (seen.has(path)) return
  for (const oldest of seen) {
    if (seen.size < MAX_SEEN) break
    seen.delete(oldest)
  }
  seen.add(path)
  try {
    for await (const entry of await opendir(path)) {
      const kind = LEFT_AFTER_MS.find(([names]) => names.test(entry.name))
      if (kind !== undefined) await removeLeftover(join(path, entry.name), kind[1])
    }
  } catch {
    // A directory that cannot be read may still be writable.
  }
}

async function removeLeftover(path: string, leftAfterMs: number): Promise<void> {
  try {
    // Before the lock: a process that has just created a file must find its lock free.
    if (!isLeft(await lstat(path), leftAfterMs)) return
    const { O_RDWR, O_NOFOLLOW = 0 } = constants
    // Throws if another process has the lock, or if locks are not available. Then the file may be in use.
    const file = await openLocked(path, O_RDWR | O_NOFOLLOW, 0o600)
    try {
      if (isLeft(await file.stat(), leftAfterMs)) await unlink(path)
    } finally {
      await file.close()
    }
  } catch {
    // The next run tries again.
  }
}

/** Returns whether a file is a regular one of this user with no write for that long. */
function isLeft(found: Stats, leftAfterMs: number): boolean {
  const mine = found.uid === (process.geteuid?.() ?? found.uid)
  return found.isFile() && mine && found.mtimeMs < Date.now() - leftAfterMs
}
