import { constants, type Stats } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { CseError } from '@oss-cse/crypto-core'

const { O_RDONLY, O_DIRECTORY = 0, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants

const GROUP_OR_OTHERS_WRITE = 0o022
const GROUP_OR_OTHERS = 0o077

/**
 * Returns why somebody else may have written a file or directory. Returns `undefined` if only this user can have.
 * OpenSSH judges its configuration files by the same two properties, the owner and the mode. Windows has neither, so
 * there nothing is checked.
 *
 * @param found - the state of an open descriptor: a path may name another file between the check and the use
 */
function distrust(found: Pick<Stats, 'uid' | 'mode'>): string | undefined {
  const user = process.geteuid?.()
  if (user === undefined) return undefined
  if (found.uid !== user) return `it belongs to another user (uid ${found.uid})`
  if ((found.mode & GROUP_OR_OTHERS_WRITE) === 0) return undefined
  return `its group or others can write to it (mode ${octal(found.mode)}): run chmod go-w, once you know what is in it`
}

/**
 * Opens a directory that only this user can write to.
 *
 * @throws CseError `ERR_CSE_CHECKPOINT` when another user can; and what the system throws when it cannot be opened
 */
export async function openTrustedDirectory(path: string): Promise<FileHandle> {
  return trusted(path, await open(path, O_RDONLY | O_DIRECTORY))
}

/**
 * Opens a regular file for reading that only this user can have written. Does not follow a symbolic link.
 *
 * @param secret - true: nobody else may be able to read it either
 * @returns `undefined` if there is no such file
 * @throws CseError `ERR_CSE_CHECKPOINT` when it is not such a file; and what the system throws when it cannot be opened
 */
export async function openTrustedFile(path: string, secret = false): Promise<FileHandle | undefined> {
  let file: FileHandle
  try {
    // Non-blocking: opening a named pipe would wait.
    file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  return trustedFile(path, file, secret)
}

/**
 * Returns an open file if it is a regular one that only this user can have written. Closes it otherwise.
 *
 * @param secret - true: nobody else may be able to read it either
 * @throws CseError `ERR_CSE_CHECKPOINT`
 */
export function trustedFile(path: string, file: FileHandle, secret = false): Promise<FileHandle> {
  return trusted(path, file, (found) => {
    if (!found.isFile()) return 'it is not a regular file'
    if (!secret || process.geteuid === undefined || (found.mode & GROUP_OR_OTHERS) === 0) return undefined
    return `its group or others can read it (mode ${octal(found.mode)}): remove it, and a new one is created`
  })
}

async function trusted(
  path: string,
  file: FileHandle,
  alsoDistrust: (found: Stats) => string | undefined = () => undefined,
): Promise<FileHandle> {
  try {
    const found = await file.stat()
    const reason = distrust(found) ?? alsoDistrust(found)
    if (reason === undefined) return file
    throw new CseError(
      'ERR_CSE_CHECKPOINT',
      `${path} is not trusted: ${reason}. A checkpoint selects the key of an upload, so nobody else may be able to write it. Use a directory that does not exist yet: it is created with safe permissions.`,
    )
  } catch (error) {
    await file.close()
    throw error
  }
}

function octal(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, '0')
}
