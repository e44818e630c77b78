import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** The directories that the emulators of this process use. */
const ours = new Set<string>()

/**
 * Locks a data directory for one emulator. A second emulator would remove the unfinished uploads of the first as
 * leftovers. The lock of a process that no longer runs is ignored, so a killed emulator can start again at once.
 *
 * @returns a function that unlocks the directory
 * @throws Error if another emulator uses the directory
 */
export function lockDirectory(directory: string): () => void {
  const path = resolve(directory)
  const lock = join(path, 'lock')
  mkdirSync(path, { recursive: true })
  if (ours.has(path)) throw inUse(directory, lock, process.pid)
  while (!tryLock(lock)) {
    const owner = readOwner(lock)
    if (owner !== undefined && owner !== process.pid && isRunning(owner)) throw inUse(directory, lock, owner)
    rmSync(lock, { force: true })
  }
  ours.add(path)
  return () => {
    ours.delete(path)
    rmSync(lock, { force: true })
  }
}

function tryLock(lock: string): boolean {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

function inUse(directory: string, lock: string, owner: number): Error {
  return new Error(
    `Another emulator (process ${owner}) uses ${directory}. Stop it, or remove ${lock} if it is gone.`,
  )
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
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
  return !isZombie(pid)
}

/** A killed process that no parent has waited for, as in a container without an init, still accepts signals. */
function isZombie(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return /^ [ZX]/.test(stat.slice(stat.lastIndexOf(')') + 1))
  } catch {
    return false
  }
}
