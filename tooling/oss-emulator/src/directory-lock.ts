import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** The directories that emulators of this process use. */
const ours = new Set<string>()

/**
 * Takes a data directory for one emulator: a second one would remove the first one's unfinished uploads as
 * leftovers. A lock whose process is gone does not count, so that a killed emulator can start again at once.
 *
 * @returns gives the directory back
 */
export function lockDirectory(directory: string): () => void {
  const path = resolve(directory)
  const lock = join(path, 'lock')
  mkdirSync(path, { recursive: true })
  const owner = readOwner(lock)
  if (ours.has(path) || (owner !== undefined && owner !== process.pid && isRunning(owner))) {
    throw new Error(
      `Another emulator (process ${owner}) uses ${directory}. Stop it, or remove ${lock} if it is gone.`,
    )
  }
  writeFileSync(lock, String(process.pid))
  ours.add(path)
  return () => {
    ours.delete(path)
    rmSync(lock, { force: true })
  }
}

function readOwner(lock: string): number | undefined {
  try {
    const pid = Number(readFileSync(lock, 'utf8'))
    return Number.isInteger(pid) && pid > 0 ? pid : undefined
  } catch {
    return undefined
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
