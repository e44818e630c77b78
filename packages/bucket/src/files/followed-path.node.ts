import { lstat, readlink, realpath } from 'node:fs/promises'
import { dirname, isAbsolute, join, resolve, sep } from 'node:path'
import { CseError } from '@oss-cse/crypto-core'

/** The limit of Linux. */
const MAX_LINKS = 40
/** A directory in which everybody can create files and remove only their own, such as /tmp. */
const STICKY_AND_OPEN = 0o1002

/**
 * Returns the path with all symbolic links followed, as far as it exists. In a directory that everybody can write to, a
 * link is followed only if this user or the directory's owner created it. That is Linux's rule of
 * `fs.protected_symlinks`. It is enforced here because it may be switched off, and because it does not apply to paths
 * that are resolved step by step.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for a link that is not followed, or a loop of links
 */
export async function followedPath(path: string): Promise<string> {
  const user = process.geteuid?.()
  if (user === undefined) return realpath(path).catch(() => resolve(path))
  let at: string = sep
  let rest = resolve(path).split(sep).filter(Boolean)
  for (let links = 0; ; ) {
    const [name, ...behind] = rest
    if (name === undefined) return at
    rest = behind
    if (name === '.' || name === '..') {
      at = name === '.' ? at : dirname(at)
      continue
    }
    const next = join(at, name)
    const found = await lstat(next).catch(() => undefined)
    // If it is missing or cannot be inspected, opening it fails later.
    if (found === undefined) return join(next, ...rest)
    if (!found.isSymbolicLink()) {
      at = next
      continue
    }
    links += 1
    if (links > MAX_LINKS) throw notFollowed(path, next, 'is part of a loop of links')
    const directory = await lstat(at)
    const open = (directory.mode & STICKY_AND_OPEN) === STICKY_AND_OPEN
    if (open && found.uid !== user && found.uid !== directory.uid) {
      throw notFollowed(
        path,
        next,
        `is a link that another user (uid ${found.uid}) created in a directory that everybody can write to`,
      )
    }
    const target = await readlink(next)
    if (isAbsolute(target)) at = sep
    rest = [...target.split(sep).filter(Boolean), ...rest]
  }
}

function notFollowed(path: string, link: string, why: string): CseError {
  return new CseError(
    'ERR_CSE_INVALID_ARGUMENT',
    `${path} cannot be written: ${link} ${why}, and is not followed.`,
  )
}
