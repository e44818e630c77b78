import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Makes a directory for this user alone, and the directories above it where they are missing.
 *
 * Not `mkdir` with `recursive`: that tries for ever where a file system answers ENOENT below a directory that exists, as
 * `/proc` does.
 *
 * @throws what the system throws
 */
export async function makeDirectory(path: string): Promise<void> {
  const code = await attempt(path)
  if (code !== 'ENOENT' || dirname(path) === path) return
  await makeDirectory(dirname(path))
  await mkdir(path, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    // Another process was faster.
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
