import { readdir, readlink } from 'node:fs/promises'

/**
 * The number of files below a directory that this process has open; zero where the system does not report it. Other
 * open files come and go with the test runner.
 */
export async function openFilesBelow(directory: string): Promise<number> {
  const descriptors = await readdir('/proc/self/fd').catch(() => [])
  const targets = await Promise.all(
    descriptors.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => '')),
  )
  return targets.filter((target) => target.startsWith(directory)).length
}
