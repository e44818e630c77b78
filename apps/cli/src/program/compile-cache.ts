import { lstatSync, mkdirSync } from 'node:fs'
import nodeModule from 'node:module'
import { homedir } from 'node:os'
import { dirname, isAbsolute, join } from 'node:path'

const GROUP_OR_OTHERS_WRITE = 0o022

/** What determines the directory of compiled code. */
export interface CompileCachePlace {
  readonly platform: NodeJS.Platform
  readonly env: Readonly<Record<string, string | undefined>>
  /** The user's home directory. */
  homedir(): string
  /** The user of this process. Absent on Windows. */
  geteuid?: (() => number) | undefined
}

/**
 * Lets Node.js keep the compiled code of this program for its next start (from Node.js 22.8 on). NODE_COMPILE_CACHE and
 * NODE_DISABLE_COMPILE_CACHE take precedence. Without a usable directory, nothing is kept.
 */
export function keepCompiledCode(): void {
  const { platform, env } = process
  const { enableCompileCache, getCompileCacheDir } = nodeModule
  if (enableCompileCache === undefined || getCompileCacheDir() !== undefined) return
  if (env['NODE_DISABLE_COMPILE_CACHE']) return
  const directory = compileCacheDirectory({ platform, env, homedir, geteuid: process.geteuid })
  if (directory !== undefined) enableCompileCache(directory)
}

/**
 * Returns the directory for compiled code, created if it is missing. Returns `undefined` if there is none that only this
 * user can write to.
 *
 * Node's own default is below the system's directory for temporary files, where another user can create the directory
 * first. Node.js compares compiled code only with checksums, so that user could replace what this program does.
 */
export function compileCacheDirectory(place: CompileCachePlace): string | undefined {
  try {
    const caches = userCaches(place)
    if (!isAbsolute(caches)) return undefined
    const directory = join(caches, 'oss-cse')
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    // Anyone who can write to the parent can replace the directory.
    const isSafe = [directory, dirname(directory)].every((path) => isOnlyOf(place.geteuid?.(), path))
    return isSafe ? directory : undefined
  } catch {
    return undefined
  }
}

function userCaches({ platform, env, homedir: findHome }: CompileCachePlace): string {
  if (platform === 'darwin') return join(findHome(), 'Library', 'Caches')
  if (platform === 'win32') return env['LOCALAPPDATA'] || join(findHome(), 'AppData', 'Local')
  return env['XDG_CACHE_HOME'] || join(findHome(), '.cache')
}

function isOnlyOf(user: number | undefined, path: string): boolean {
  // Windows has no such owners and modes.
  if (user === undefined) return true
  const { uid, mode } = lstatSync(path)
  return uid === user && (mode & GROUP_OR_OTHERS_WRITE) === 0
}
