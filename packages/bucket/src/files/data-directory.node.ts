import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'

/** What determines the directory of a user's data. */
export interface DataDirectoryPlace {
  readonly platform: NodeJS.Platform
  readonly env: Readonly<Record<string, string | undefined>>
  /** The user's home directory. Without one, this throws or returns a path that is not absolute. */
  homedir(): string
}

/**
 * Returns the directory for this user's oss-cse data. Returns `undefined` if the user has no home directory: an account
 * without an entry, as in some containers, or an empty HOME. It is computed when it is needed, and the directory may
 * not exist.
 *
 * On Linux it is below XDG_DATA_HOME, which is ignored if it is not absolute
 * (https://specifications.freedesktop.org/basedir-spec/latest/).
 */
export function dataDirectory(
  // Not a copy of `process`, which would open stdin and load what nobody asked for.
  { platform, env, homedir: findHome }: DataDirectoryPlace = {
    platform: process.platform,
    env: process.env,
    homedir,
  },
): string | undefined {
  const home = attempt(findHome)
  const inHome = (...path: string[]): string | undefined => home && join(home, ...path)
  if (platform === 'darwin') return inHome('Library', 'Application Support', 'oss-cse')
  const named = platform === 'win32' ? env['LOCALAPPDATA'] : env['XDG_DATA_HOME']
  const absolute = named !== undefined && isAbsolute(named) ? named : undefined
  if (platform === 'win32') {
    const local = absolute ?? inHome('AppData', 'Local')
    return local && join(local, 'oss-cse', 'Data')
  }
  const share = absolute ?? inHome('.local', 'share')
  return share && join(share, 'oss-cse')
}

function attempt(findHome: () => string): string | undefined {
  try {
    const home = findHome()
    return isAbsolute(home) ? home : undefined
  } catch {
    return undefined
  }
}
