import { configurationError } from '../base/cli-error.ts'

/** The oldest Node.js that the queue of a fleet supports: major and minor version. */
const NEEDED = [22, 12] as const

/**
 * Refuses a Node.js that is too old for fleets. The other commands run on older ones.
 *
 * @param version - the version of Node.js, without the `v`
 * @throws CliError of kind `configuration` that names the needed version
 */
export function requireFleetNode(version: string = process.versions.node): void {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1])) return
  throw configurationError(
    `The commands of \`oss-cse fleet\` need Node.js ${NEEDED.join('.')} or newer. This is Node.js ${version}.`,
  )
}
