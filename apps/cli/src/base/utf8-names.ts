import { usageError } from './cli-error.ts'

/** Node.js replaces bytes that are not UTF-8 by this character in arguments, variables and paths. */
const REPLACEMENT = '\uFFFD'

/** Whether a text contained bytes that are not UTF-8, and has therefore changed. */
export function isMangled(text: string): boolean {
  return text.includes(REPLACEMENT)
}

/**
 * Refuses arguments whose bytes were not UTF-8. Two different names would become the same, and one object or file would
 * replace another. Objects whose keys really contain U+FFFD can be reached by a prefix.
 *
 * @throws CliError of kind `usage`
 */
export function refuseMangledArguments(argv: readonly string[]): void {
  const mangled = argv.find(isMangled)
  if (mangled === undefined) return
  throw usageError(
    `The argument is not valid UTF-8: ${JSON.stringify(mangled)}. Rename the file (\`convmv -f latin1 -t utf8 --notest FILE\` converts its name), or pass its content on stdin: \`oss-cse put - oss://BUCKET/KEY < FILE\`.`,
  )
}
