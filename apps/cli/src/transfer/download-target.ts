import { lstat, mkdir, rmdir, stat } from 'node:fs/promises'
import { dirname, join, resolve, sep } from 'node:path'
import { CliError, systemCode, usageError } from '../base/cli-error.ts'
import { localNameOf } from './local-name.ts'
import { type LocalOutput, localOutput } from './local-output.ts'

/** Where an object goes on this machine. */
export interface DownloadTarget {
  readonly output: LocalOutput
  /** The name of the file in the report; `-` for stdout. */
  readonly file: string
  /** True when the file's name comes from the object's key. */
  readonly named: boolean
  /** Does the work. Creates a missing directory first, and removes it again if the work fails and leaves it empty. */
  within<Result>(work: () => Promise<Result>): Promise<Result>
}

/**
 * Finds the file of a download. If the user names no file, or a directory, the last segment of the key becomes the name.
 * Such a file replaces another only with `force`, because the user has not named the file that would be lost.
 *
 * @param file - a file, a directory that is there or ends with a slash, `-` for stdout, or nothing
 * @throws CliError of kind `usage`
 */
export async function downloadTarget(
  file: string | undefined,
  key: string,
  force: boolean,
): Promise<DownloadTarget> {
  if (file !== undefined && !(await meansDirectory(file))) {
    return { output: await localOutput(file), file, named: false, within: (work) => work() }
  }
  const name = localNameOf(key)
  // `-` alone would mean stdout.
  const path = file === undefined && name === '-' ? `.${sep}-` : join(file ?? '', name)
  await refuseExisting(path, force)
  const output = await localOutput(path)
  return {
    output,
    file: path,
    named: true,
    within: (work) => (file === undefined ? work() : withDirectory(file, work)),
  }
}

async function meansDirectory(file: string): Promise<boolean> {
  if (file === '-' || file === '') return false
  const found = await stat(file).catch(() => undefined)
  return found?.isDirectory() ?? (file.endsWith('/') || file.endsWith(sep))
}

async function refuseExisting(path: string, force: boolean): Promise<void> {
  const existing = await lstat(path).catch(() => undefined)
  if (existing === undefined || force) return
  throw usageError(`${path} already exists. To replace it, name the file or give --force.`)
}

/** Creates a directory if it is missing. */
async function withDirectory<Result>(directory: string, work: () => Promise<Result>): Promise<Result> {
  const first = await mkdir(directory, { recursive: true }).catch((cause: unknown) => {
    const code = systemCode(cause) ?? 'unknown'
    if (code === 'EEXIST' || code === 'ENOTDIR')
      throw usageError(`${directory} is not a directory (${code}). Name another one.`)
    throw new CliError('other', `The directory ${directory} cannot be created (${code}).`, { cause })
  })
  try {
    return await work()
  } catch (error) {
    if (first !== undefined) await removeEmpty(directory, first)
    throw error
  }
}

/** Removes directories from the inner to the outer one, up to the first that is not empty. */
async function removeEmpty(inner: string, outer: string): Promise<void> {
  try {
    for (let path = resolve(inner); path.length >= resolve(outer).length; path = dirname(path))
      await rmdir(path)
  } catch {
    // It is not empty: for example, it holds the start of an interrupted download.
  }
}
