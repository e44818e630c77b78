import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Creates a directory for this user only, and its missing parents.
 *
 * Not `mkdir` with `recursive`: it loops forever on a file system that returns ENOENT below an existing directory, such
 * as `/proc`.
 *
 * @throws what the system throws
 */
export async function makeDirectory(path: string): Promise<void> {
  const code = await attempt(path)
  if (code !== 'ENOENT' || dirname(path) === path) return
  await makeDirectory(dirname(path))
  await mkdir(path, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    // Another process created it first.
    if (error.code !== 'EEXIST') throw error
  })
}

async function attempt(path: string): Promise<'ENOENT' | undefined> {
  try {
    await mkdir(path, { mode: 0o700 })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return code
    if (code !== 'EEXIST') throw error
  }
  return undefined
}
