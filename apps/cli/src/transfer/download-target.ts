import { lstat, mkdir, rmdir, stat } from 'node:fs/promises'
import { dirname, join, resolve, sep } from 'node:path'
import { CliError, systemCode, usageError } from '../base/cli-error.ts'
import { localNameOf } from './local-name.ts'
import { type LocalOutput, localOutput } from './local-output.ts'

/** Where an object goes on this machine. */
export interface DownloadTarget {
  readonly output: LocalOutput
  /** The file as the report names it; `-` for stdout. */
  readonly file: string
  /** True when the file's name comes from the object's key. */
  readonly named: boolean
  /** Does the work; a directory that has to be made for it goes again when the work leaves nothing in it. */
  within<Result>(work: () => Promise<Result>): Promise<Result>
}

/**
 * Finds the file of a download. Where none is named, or a directory, the object keeps the last segment of its key as its
 * name, and replaces nothing unless it is forced to: the user has not named the file that would be lost.
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
  // A bare `-` would mean stdout.
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
  throw usageError(`${path} exists: name it to replace it, or give --force.`)
}

/** Makes a directory where it is missing. */
async function withDirectory<Result>(directory: string, work: () => Promise<Result>): Promise<Result> {
  const first = await mkdir(directory, { recursive: true }).catch((cause: unknown) => {
    const code = systemCode(cause) ?? 'unknown'
    if (code === 'EEXIST' || code === 'ENOTDIR')
      throw usageError(`${directory} is not a directory (${code}).`)
    throw new CliError('other', `The directory ${directory} cannot be made (${code}).`, { cause })
  })
  try {
    return await work()
  } catch (error) {
    if (first !== undefined) await removeEmpty(directory, first)
    throw error
  }
}

/** Removes directories from the inner to the outer one, up to the first that holds something. */
async function removeEmpty(inner: string, outer: string): Promise<void> {
  try {
    for (let path = resolve(inner); path.length >= resolve(outer).length; path = dirname(path))
      await rmdir(path)
  } catch {
    // It holds something, such as the beginning of an interrupted download.
  }
}
