import { lstat, readlink, realpath } from 'node:fs/promises'
import { dirname, isAbsolute, join, resolve, sep } from 'node:path'
import { CseError } from '@oss-cse/crypto-core'

/** As many as Linux follows. */
const MAX_LINKS = 40
/** A directory that everybody can write to, and remove only what is their own, as /tmp. */
const STICKY_AND_OPEN = 0o1002

/**
 * The path with all symbolic links followed, as far as it exists. In a directory that everybody can write to, a link is
 * followed only when this user or the directory's owner made it: Linux's rule of `fs.protected_symlinks`, held here also
 * where it is switched off, and because who resolves a path step by step escapes it.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` for a link that is not followed, or links that lead in a circle
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
    // What is not there, or cannot be looked at, fails when it is opened.
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
      throw notFollowed(path, next, `is a link that another user (uid ${found.uid}) made where everybody can`)
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
