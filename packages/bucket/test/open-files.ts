import { readdir, readlink } from 'node:fs/promises'

/**
 * How many files below a directory this process has open; zero where that cannot be told. What else it has open comes
 * and goes with the test runner.
 */
export async function openFilesBelow(directory: string): Promise<number> {
  const descriptors = await readdir('/proc/self/fd').catch(() => [])
  const targets = await Promise.all(
    descriptors.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => '')),
  )
  return targets.filter((target) => target.startsWith(directory)).length
}
