import { constants, type Stats } from 'node:fs'
import { lstat, opendir, unlink } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { openLocked } from './open-locked.node.ts'
import { RESUMABLE, UNNAMED } from './temporary-name.node.ts'

const DAY_MS = 24 * 60 * 60 * 1000

/** Which files count as left when they were last written to so long ago, in milliseconds. */
const LEFT_AFTER_MS: readonly (readonly [RegExp, number])[] = [
  [UNNAMED, DAY_MS],
  [RESUMABLE, 30 * DAY_MS],
]

/** Directories that this process has looked through, the latest ones. */
const seen = new Set<string>()
const MAX_SEEN = 1000

/**
 * Removes what crashed runs left in a directory: temporary files of this user that nobody has locked, after a day those that
 * no later run would find, after 30 days those that nobody resumed. A process looks through a directory once. Never rejects.
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
    // One that cannot be read may still be written to.
  }
}

async function removeLeftover(path: string, leftAfterMs: number): Promise<void> {
  try {
    // Before it is locked: a file that its process has just made must find its lock free.
    if (!isLeft(await lstat(path), leftAfterMs)) return
    const { O_RDWR, O_NOFOLLOW = 0 } = constants
    // Throws where another process has it, and where nothing can be locked: then nobody knows whether one has.
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

/** Tells whether a file is a regular one of this user's, and nothing was written to it for so long. */
function isLeft(found: Stats, leftAfterMs: number): boolean {
  const mine = found.uid === (process.geteuid?.() ?? found.uid)
  return found.isFile() && mine && found.mtimeMs < Date.now() - leftAfterMs
}
